"""Reads a build's console piece by piece into a step's log, within bounds however long it is.

`X-Text-Size` is the next offset in the raw log, not what was received: line breaks come as CRLF. A log that
was rotated away looks like one that has not begun, so that only the build itself says when it is over.
"""

import codecs
import re
from dataclasses import dataclass

import httpx

from bot.ports import Log
from bot.runners.jenkins import paths
from bot.runners.jenkins.client import JenkinsClient

WHOLE = 4 << 20
"""Bytes of one piece that are read in full; of a longer one, only both ends."""
HEAD, TAIL = 1 << 20, 256 << 10
BUDGET = 32 << 20
"""Bytes of one log after which only ends of pieces are read: nobody would read, or keep, more."""

_NOTE = re.compile(r"\x1b\[8mha:[A-Za-z0-9+/=]*\x1b\[0m")
"""What Jenkins hides in a line for its own pages; newer ones leave it in the plain text."""


@dataclass(slots=True)
class BuildLog:
    """Follows one build's log."""

    client: JenkinsClient
    name: str
    number: int
    log: Log
    offset: int = 0
    spent: int = 0
    _rotated: bool = False

    async def copy_new_output(self) -> None:
        """Bring what is new."""
        path = f"{paths.build(self.name, self.number)}/logText/progressiveText"
        begin, room = self.offset, WHOLE if self.spent < BUDGET else TAIL
        size = await self._piece(path, begin, room)
        if size is None:
            return
        head = begin + min(HEAD, room)
        if size - begin > room:
            # Of a long piece, the end says more about what goes on than the middle.
            rest = max(head, size - TAIL)
            self.log.note(f"{(rest - head) >> 10} KiB of the log are left out here; Jenkins has all of it")
            await self._piece(path, rest, TAIL)
        self.offset = size

    async def _piece(self, path: str, start: int, room: int) -> int | None:
        """Write one answer into the log; return the next offset, None if there is no log."""
        async with self.client.open(path, {"start": str(start)}, job=self.name) as response:
            if response is None:
                return None
            size = _size(response, start)
            if size < start:
                self._note_rotation()
            # Twice as much at most: every line break has become two.
            await self._write(response, 2 * room if size - start <= room else min(HEAD, room))
            return size

    def _note_rotation(self) -> None:
        """Note once that the log has become shorter: Jenkins then sends it from the start."""
        if not self._rotated:
            self.log.note("the log was rotated or lost in Jenkins; what is left follows")
            self._rotated = True

    async def _write(self, response: httpx.Response, limit: int) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text, taken = "", 0
        async for received in response.aiter_bytes():
            piece = received[: limit - taken]
            taken += len(piece)
            text += decoder.decode(piece)
            # A hidden note never spans lines.
            lines, newline, text = text.rpartition("\n")
            self._show(lines + newline)
            if taken >= limit:
                break
        self._show(text + decoder.decode(b"", final=True))
        self.spent += taken

    def _show(self, text: str) -> None:
        if text:
            self.log.write(_NOTE.sub("", text))


def _size(response: httpx.Response, start: int) -> int:
    told = response.headers.get("X-Text-Size", "")
    return int(told) if told.isascii() and told.isdigit() else start
