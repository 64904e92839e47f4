"""The book itself: what may be written into it, and how it is read."""

from collections import deque
from dataclasses import dataclass

LONGEST_NAME = 20
LONGEST_TEXT = 140


class NotAccepted(ValueError):
    """An entry is invalid; the text says why."""


@dataclass(frozen=True)
class Entry:
    """One line in the book."""

    name: str
    text: str
    written_at: float


class Book:
    """The latest entries, newest first. They live in memory: a preview starts empty."""

    def __init__(self, pages=100):
        self._entries = deque(maxlen=pages)

    def write(self, name, text, written_at):
        """Add an entry and return it. Raises NotAccepted."""
        name, text = name.strip() or "匿名", text.strip()
        if not text:
            raise NotAccepted("留言不能为空")
        if len(name) > LONGEST_NAME:
            raise NotAccepted(f"名字最多 {LONGEST_NAME} 个字")
        if len(text) > LONGEST_TEXT:
            raise NotAccepted(f"留言最多 {LONGEST_TEXT} 个字")
        entry = Entry(name, text, written_at)
        self._entries.appendleft(entry)
        return entry

    def latest(self, count=20):
        """Return the newest entries, newest first."""
        return list(self._entries)[:count]
