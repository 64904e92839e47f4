"""The live log of a step: a file that pages read while it grows, and its last lines in memory."""

from collections import deque

from bot.core.results.masking import Masker
from bot.file_store import AppendFile
from bot.reports.stream import NOTE, Stream, printable

CUT = "the log was truncated here: it is longer than {limit} bytes"
LOST = "{lost} bytes of output were lost here: they could not be written"
SIZE_LIMIT = 16 << 20
"""Most bytes of output that are stored for a step."""
_NOTES_LIMIT = 64 << 10
"""Bytes beyond the limit that are reserved for notes."""
_TAIL_LINES = 400
_TAIL_WIDTH = 2000


class StepLog:
    """Implements ports.Log. Writing never raises: a full disk costs lines, not the run."""

    def __init__(self, file: AppendFile, masker: Masker, limit: int = SIZE_LIMIT) -> None:
        self._file = file
        self._stream = Stream(masker)
        self._masker = masker
        self._limit = limit
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._line = ""
        self._cut = False
        self._lost = 0
        self._at_line_start = True

    def write(self, text: str) -> None:
        """Append output unchanged, including its line breaks."""
        shown = self._stream.feed(text)
        if shown:
            self._remember(shown)
            self._append(shown)

    def note(self, text: str) -> None:
        """Append a line of the bot's own, marked as such."""
        line = " ".join(printable(self._masker.mask(text)).split())
        begin = "" if self._at_line_start else "\n"
        self._put(f"{begin}{NOTE}{line}\n", self._limit + _NOTES_LIMIT)

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of output, without notes."""
        last = (self._line + self._stream.pending)[:_TAIL_WIDTH]
        kept = [*self._tail, last] if last else list(self._tail)
        return "\n".join(kept[-lines:] if lines > 0 else [])

    def _remember(self, shown: str) -> None:
        *whole, self._line = (self._line + shown).split("\n")
        self._tail.extend(line[:_TAIL_WIDTH] for line in whole[-_TAIL_LINES:])
        # Progress bars without a line break would grow without limit.
        self._line = self._line[:_TAIL_WIDTH]

    def _append(self, shown: str) -> None:
        room = self._limit - self._file.size
        if self._cut or room <= 0:
            return
        data = shown.encode()
        if len(data) <= room:
            self._put(shown, self._limit)
            return
        self._put(data[:room].decode(errors="ignore"), self._limit)
        self._cut = True
        self.note(CUT.format(limit=self._limit))

    def _put(self, text: str, limit: int) -> None:
        """Append a text, preceded by a note about output that was lost before it."""
        data = text.encode()
        if not data or self._file.size + len(data) > limit:
            return
        if not self._file.append(self._lost_note() + data):
            self._lost += len(data)
            return
        self._lost = 0
        self._at_line_start = text.endswith("\n")

    def _lost_note(self) -> bytes:
        begin = "" if self._at_line_start else "\n"
        return f"{begin}{NOTE}{LOST.format(lost=self._lost)}\n".encode() if self._lost else b""
