"""The rules of the book."""

import pytest

from guestbook.book import Book, NotAccepted


def test_newest_entry_comes_first():
    book = Book()
    book.write("小林", "第一条", written_at=1)
    book.write("阿梅", "第二条", written_at=2)
    assert [entry.text for entry in book.latest()] == ["第二条", "第一条"]


def test_an_entry_without_a_name_is_anonymous():
    assert Book().write("  ", "你好", written_at=1).name == "匿名"


@pytest.mark.parametrize("text", ["", "   ", "长" * 141], ids=["empty", "blank", "too long"])
def test_text_that_does_not_fit_is_refused(text):
    book = Book()
    with pytest.raises(NotAccepted):
        book.write("小林", text, written_at=1)
    assert book.latest() == []


def test_a_full_book_drops_its_oldest_page():
    book = Book(pages=2)
    for number in range(3):
        book.write("小林", str(number), written_at=number)
    assert [entry.text for entry in book.latest()] == ["2", "1"]
