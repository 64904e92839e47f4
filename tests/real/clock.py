"""Time that passes when a test says so: for the test's loop, and all at once."""

import asyncio

from tests.real.parts import Recorder


def leap(seconds: float) -> None:
    """Let time pass: what waits for a moment before then is woken, in its order."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign] # for this loop, which ends with its test


class Leaping(Recorder):
    """A log; time passes once these words are in it."""

    def __init__(self, words: str, seconds: float) -> None:
        super().__init__()
        self._words, self._seconds = words, seconds

    def write(self, text: str) -> None:
        already = self._words in self.text
        super().write(text)
        if not already and self._words in self.text:
            leap(self._seconds)
