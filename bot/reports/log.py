"""The live log of a step: a file that the web reads while it grows, and the last lines in memory."""

import logging
import os
import weakref
from collections import deque
from pathlib import Path

from bot.core.masking import Masker
from bot.reports.stream import NOTE, Stream, printable

logger = logging.getLogger(__name__)

CUT = "the log was cut here: it is longer than {limit} bytes"
SIZE_LIMIT = 16 << 20
"""Bytes of output that are kept per step."""
_NOTES_LIMIT = 64 << 10
"""Bytes beyond the limit that notes may take."""
_TAIL_LINES = 400
_TAIL_WIDTH = 2000


class StepLog:
    """Implements ports.Log. Nothing it is given can fail it: a full disk costs lines, not the run."""

    def __init__(self, file: Path, masker: Masker, limit: int = SIZE_LIMIT) -> None:
        self._stream = Stream(masker)
        self._masker = masker
        self._limit = limit
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._line = ""
        self._broken = False
        file.parent.mkdir(parents=True, exist_ok=True)
        # A descriptor, closed when nobody holds the log any more: the port has no close, and
        # opening the file for every piece of output would be most of the work.
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        weakref.finalize(self, os.close, self._descriptor)
        self._size = os.fstat(self._descriptor).st_size
        self._at_line_start = True

    def write(self, text: str) -> None:
        """Append output as it came, newlines included."""
        shown = self._stream.feed(text)
        if shown:
            self._remember(shown)
            self._append(shown)

    def note(self, text: str) -> None:
        """Append a line of the bot's own, told apart from output."""
        line = " ".join(printable(self._masker.mask(text)).split())
        begin = "" if self._at_line_start else "\n"
        self._put(f"{begin}{NOTE}{line}\n", self._limit + _NOTES_LIMIT)

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of output, notes left out."""
        last = (self._line + self._stream.pending)[:_TAIL_WIDTH]
        kept = [*self._tail, last] if last else list(self._tail)
        return "\n".join(kept[-lines:] if lines > 0 else [])

    def _remember(self, shown: str) -> None:
        *whole, self._line = (self._line + shown).split("\n")
        self._tail.extend(line[:_TAIL_WIDTH] for line in whole[-_TAIL_LINES:])
        # Progress bars without a line break would grow for ever.
        self._line = self._line[:_TAIL_WIDTH]

    def _append(self, shown: str) -> None:
        if self._size >= self._limit:
            return
        room = self._limit - self._size
        data = shown.encode()
        if len(data) <= room:
            self._put(shown, self._limit)
            return
        fitting = data[:room].decode(errors="ignore")
        self._put(fitting, self._limit)
        self.note(CUT.format(limit=self._limit))
        self._size = max(self._size, self._limit)

    def _put(self, text: str, limit: int) -> None:
        data = text.encode()
        if self._broken or not data or self._size + len(data) > limit:
            return
        try:
            os.write(self._descriptor, data)
        except OSError:
            self._broken = True
            logger.exception("a step's log cannot be written any more")
        self._size += len(data)
        self._at_line_start = text.endswith("\n")
