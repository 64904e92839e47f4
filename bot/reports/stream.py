"""Turns a stream of output into readable text without escape sequences, control characters or secrets.

Pieces can end anywhere. An end that may be the beginning of a secret, of an escape sequence or of a line
break is held back until the next piece.
"""

import re

from bot.core.results.masking import Masker

_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[()*+][0-9A-Za-z]|[@-Z\\^_=>78])"
)
_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\n]*\x1b?|[()*+])?|\r)\Z")
_LONGEST_SEQUENCE = 256
_DELETED = {code: None for code in range(32) if chr(code) not in "\n\t"} | {
    0x7F: None,
    **dict.fromkeys(range(0x80, 0xA0)),
    **dict.fromkeys((0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF)),
    **dict.fromkeys(range(0x202A, 0x202F)),
    **dict.fromkeys(range(0x2066, 0x206A)),
    **dict.fromkeys(range(0xD800, 0xE000)),
}
"""Control characters, characters that change the direction of text, and unpaired surrogates."""

NOTE = "▸ "
"""Beginning of the bot's own lines in a log."""
_FORGED = str.maketrans({NOTE[0]: "▹"})


def printable(text: str) -> str:
    """Return a complete text without escape sequences and control characters."""
    text = _SEQUENCE.sub("", text) if "\x1b" in text else text
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_DELETED)


class Stream:
    """Cleans and masks pieces of output; `pending` is what is held back."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._raw = ""
        self._clean = ""

    def feed(self, piece: str) -> str:
        """Return the text that can be shown now."""
        self._clean += self._cleaned(piece)
        settled = self._masker.settled(self._clean)
        shown, self._clean = self._clean[:settled], self._clean[settled:]
        return self._masker.mask(shown)

    @property
    def pending(self) -> str:
        """The text that is held back, as it would be shown if nothing followed."""
        return self._masker.mask(self._clean)

    def _cleaned(self, piece: str) -> str:
        text = self._raw + piece
        self._raw = ""
        unfinished = _UNFINISHED.search(text, max(0, len(text) - _LONGEST_SEQUENCE))
        if unfinished and unfinished.group():
            text, self._raw = text[: unfinished.start()], unfinished.group()
        return printable(text).translate(_FORGED)
