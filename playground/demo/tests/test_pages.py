"""What the page shows."""

from guestbook import pages
from guestbook.book import Entry


def page(*entries):
    return pages.home(entries, version="1.0", commit="0123456789abcdef", now=1000)


def test_an_empty_book_invites_to_write():
    assert "来写第一条吧" in page()


def test_footer_names_version_and_short_commit():
    assert "<code>1.0</code>" in page()
    assert "<code>01234567</code>" in page()


def test_markup_in_an_entry_is_shown_as_text():
    shown = page(Entry("<b>小林</b>", "<script>alert(1)</script>", written_at=900))
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
