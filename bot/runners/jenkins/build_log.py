"""Copies a build's console in parts to a step's log, with limits for long logs.

`X-Text-Size` is the next offset in the raw log, not the size of the response, which has CRLF line breaks. A
rotated log looks like one that has not begun, so only the build itself shows when it is over.
"""

import codecs
import re
from dataclasses import dataclass

import httpx

from bot.ports import Log
from bot.runners.jenkins import paths
from bot.runners.jenkins.client import JenkinsClient

WHOLE = 4 << 20
"""Bytes up to which a part is copied completely; of a longer one, only both ends."""
HEAD, TAIL = 1 << 20, 256 << 10
BUDGET = 32 << 20
"""Bytes of one log after which only the ends of parts are copied; the file store keeps no more."""

LONGEST_LINE = 64 << 10
"""Characters of a line that are held back until its end."""

_NOTE = re.compile(r"\x1b\[8mha:[A-Za-z0-9+/=]*\x1b\[0m")
"""Console notes for Jenkins' own pages; newer versions leave them in the plain text."""


@dataclass(slots=True)
class BuildLog:
    """Copies the log of one build."""

    client: JenkinsClient
    name: str
    number: int
    log: Log
    offset: int = 0
    spent: int = 0
    _rotated: bool = False

    async def copy_new_output(self) -> None:
        """Copy what is new since the last call."""
        path = f"{paths.build(self.name, self.number)}/logText/progressiveText"
        begin, room = self.offset, WHOLE if self.spent < BUDGET else TAIL
        size = await self._piece(path, begin, room)
        if size is None:
            return
        head = begin + min(HEAD, room)
        if size - begin > room:
            # The end of a long part matters more than its middle.
            rest = max(head, size - TAIL)
            self.log.note(f"{(rest - head) >> 10} KiB of the log are skipped here; Jenkins has the full log")
            await self._piece(path, rest, TAIL)
        self.offset = size

    async def _piece(self, path: str, start: int, room: int) -> int | None:
        """Write one response to the log; return the next offset, or None if there is no log."""
        async with self.client.open(path, {"start": str(start)}, job=self.name) as response:
            if response is None:
                return None
            size = _size(response, start)
            if size < start:
                self._note_rotation()
            # At most twice as much: each line break has become two bytes.
            await self._write(response, 2 * room if size - start <= room else min(HEAD, room))
            return size

    def _note_rotation(self) -> None:
        """Note once that the log has become shorter: Jenkins then sends it from its start."""
        if not self._rotated:
            self.log.note("the log was rotated or lost in Jenkins; the rest follows")
            self._rotated = True

    async def _write(self, response: httpx.Response, limit: int) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text, taken = "", 0
        async for received in response.aiter_bytes():
            piece = received[: limit - taken]
            taken += len(piece)
            text += decoder.decode(piece)
            # A console note never spans lines.
            lines, newline, text = text.rpartition("\n")
            if len(text) > LONGEST_LINE:
                text, newline = "", newline + text
            self._show(lines + newline)
            if taken >= limit:
                break
        self._show(text + decoder.decode(b"", final=True))
        self.spent += taken

    def _show(self, text: str) -> None:
        if text:
            self.log.write(_NOTE.sub("", text))


def _size(response: httpx.Response, start: int) -> int:
    size = response.headers.get("X-Text-Size", "")
    return int(size) if size.isascii() and size.isdigit() else start
