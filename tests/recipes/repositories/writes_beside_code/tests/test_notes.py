import os
import unittest
from urllib.request import urlopen

NOTES = os.environ["SERVICE_URL"]


class Test(unittest.TestCase):
    def test_a_note_is_kept(self):
        urlopen(NOTES, b"call lin").close()
        with urlopen(NOTES) as page:
            self.assertIn("call lin", page.read().decode())
