"""Output of builds and containers as readable lines: whole, without escape sequences, of bounded length."""

import codecs
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from itertools import accumulate
from typing import Any

from bot.ports import Log

LINE_LIMIT = 2_000
"""Characters of a line that are kept."""
BYTES_LIMIT = 16 * 2**20
"""Bytes of a line that `split_lines` holds at most."""
_RAW_LIMIT = 4 * LINE_LIMIT
_LONGEST_WORD = 256
"""Characters of the last word of a line that are left out rather than cut; of a longer secret, `Masker`
finds the pieces."""
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]?|\x1b\][^\x07\x1b\n]*\x07?|\x1b[@-_]?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def clean(line: str) -> str:
    """Return what a terminal would finally show of a line, cut to `LINE_LIMIT`.

    >>> clean(chr(27) + "[91m10%" + chr(13) + "done" + chr(27) + "[0m")
    'done'
    """
    return _cleaned(line.replace("\n", " "))[0]


def _cleaned(text: str) -> list[str]:
    """Return the clean lines of a text. They can be thousands: most work is done for all of them at once."""
    if "\r" in text:
        text = "\n".join([line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")])
    if not text.replace("\n", "").replace("\t", "").isprintable():
        text = _CONTROLS.sub("", _ESCAPES.sub("", text))
    lines = list(map(str.rstrip, text.split("\n")))
    if max(map(len, lines)) > LINE_LIMIT:
        return [line if len(line) <= LINE_LIMIT else _cut(line) for line in lines]
    return lines


def _cut(line: str) -> str:
    """Cut a line before the word that crosses the limit: half of a word may be half of a secret."""
    shown = line[: LINE_LIMIT - 1]
    words, _, rest = shown.rpartition(" ")
    return f"{words if len(rest) < _LONGEST_WORD else shown}…"


class Lines:
    """Splits a stream of bytes into clean lines; of an endless line only the beginning is kept."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """Take bytes and return the lines that they complete."""
        whole, ended, rest = self._decode(data).rpartition("\n")
        text, self._rest = self._rest + whole, _shortened(rest if ended else self._rest + rest)
        return _cleaned(text) if ended else []

    def flush(self) -> list[str]:
        """Return the last line if it has no line break."""
        rest, self._rest = self._rest + self._decode(b"", True), ""  # noqa: FBT003 - the codec's own signature
        return [clean(rest)] if rest else []


async def split_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of a stream unchanged; one that is longer than `BYTES_LIMIT` comes in pieces."""
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield bytes(line)
        if len(rest) > BYTES_LIMIT:
            yield bytes(rest)
            rest = bytearray()
    if rest:
        yield bytes(rest)


def json_object(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a line; None if the line is not one."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _shortened(rest: str) -> str:
    if len(rest) <= _RAW_LIMIT:
        return rest
    # Progress bars redraw one line: only what follows the last carriage return is shown in the end.
    shown = rest.rstrip("\r").rpartition("\r")[2][:_RAW_LIMIT]
    return shown + "\r" if rest.endswith("\r") else shown


class LogWriter:
    """Writes lines to a step's log up to a limit of characters; always remembers the last lines."""

    def __init__(self, log: Log, *, limit: int = 16 * 2**20, remembered: int = 40) -> None:
        self._log = log
        self._left = limit
        self.tail: deque[str] = deque(maxlen=remembered)

    def part(self, limit: int) -> "LogWriter":
        """Return a writer to the same log that has its own limit, and remembers only its own last lines."""
        return LogWriter(self._log, limit=limit, remembered=self.tail.maxlen or 0)

    def line(self, text: str) -> None:
        """Write one line."""
        self.lines([text])

    def lines(self, texts: Sequence[str]) -> None:
        """Write several lines."""
        self.tail.extend(texts[-(self.tail.maxlen or 0) :])
        if not texts or self._left <= 0:
            return
        written = "\n".join([*texts, ""])
        if len(written) > self._left:
            ends = accumulate(len(text) + 1 for text in texts)
            written = written[: next(end for end in ends if end >= self._left)]
        self._left -= len(written)
        self._log.write(written)
        if self._left <= 0:
            self._log.note("too much output: the rest is not stored")
