"""A build's console log: stored as raw bytes, served with CRLF line breaks, as Jenkins does.

https://github.com/jenkinsci/stapler/blob/master/core/src/main/java/org/kohsuke/stapler/framework/io/LargeText.java
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

PIECE = 1 << 16
_LONE_NEWLINE = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class LogRange:
    """The part of the log that a response contains."""

    start: int
    end: int
    """The next offset in the raw log; sent as X-Text-Size."""
    more: bool
    """Whether the log may still grow; if so, X-More-Data is sent."""


@dataclass(slots=True)
class ConsoleLog:
    """A log that grows. To save memory, repeated text is stored once with its number of repetitions."""

    complete: bool = False
    exists: bool = True
    masked: set[str] = field(default_factory=set)
    """Values of bound credentials, which are written as `****`."""
    _parts: list[tuple[bytes, int]] = field(default_factory=list)

    def write(self, text: str, times: int = 1) -> None:
        """Append text, repeated this many times."""
        for value in self.masked:
            text = text.replace(value, "****")
        self._parts.append((text.encode(), times))

    def discard(self) -> None:
        """Delete the log, as log rotation does; the build may remain."""
        self._parts.clear()
        self.exists = False

    def truncate(self) -> None:
        """Empty the log, so that offsets of readers are beyond its end."""
        self._parts.clear()

    @property
    def size(self) -> int:
        """Size of the raw log in bytes."""
        return sum(len(part) * times for part, times in self._parts)

    def log_range(self, start: int) -> LogRange:
        """Return the range to send; an unfinished log is sent up to its last line break."""
        if not self.exists:
            return LogRange(0, 0, more=True)
        start = 0 if start > self.size else start
        end = self.size if self.complete else max(start, self._whole_lines())
        return LogRange(start, end, more=not self.complete)

    def rendered(self, log_range: LogRange) -> Iterator[bytes]:
        """Yield the bytes of a range with CRLF line breaks."""
        before = b""
        for piece in self._raw(log_range.start, log_range.end):
            # A CRLF may be split between two pieces.
            yield _LONE_NEWLINE.sub(b"\r\n", before + piece)[len(before) :]
            before = piece[-1:] if piece.endswith(b"\r") else b""

    def _raw(self, start: int, end: int) -> Iterator[bytes]:
        at = 0
        for part, times in self._parts:
            length = len(part) * times
            low, high = max(start, at) - at, min(end, at + length) - at
            for begin in range(low, high, PIECE):
                yield _slice(part, begin, min(begin + PIECE, high))
            at += length

    def _whole_lines(self) -> int:
        end = self.size
        for part, times in reversed(self._parts):
            if b"\n" in part:
                return end - (len(part) - part.rfind(b"\n") - 1)
            end -= len(part) * times
        return 0


def _slice(part: bytes, begin: int, end: int) -> bytes:
    """Return the bytes from `begin` to `end` of an infinitely repeated part."""
    first = begin // len(part)
    repeated = part * (end // len(part) - first + 1)
    offset = first * len(part)
    return repeated[begin - offset : end - offset]
