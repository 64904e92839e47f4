"""Masks secrets in text that people will read: logs, reports and comments."""

import base64
import html
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from bot.model.shortening import CUT

MASK = "***"
SHORTEST = 4
"""Shorter secrets are not masked: masking single letters would only make everything unreadable."""


_PIECE = 128
"""Characters; so long a piece of a secret cannot be guessed from where the mask appears."""
_LONGEST_BEGINNING = 8
_FEW = 500
"""Forms that are compared with each other once, to look for fewer of them."""

_BEFORE = ((b"", 0), (b"?", 2), (b"??", 3), (b":", 1), (b"?:", 2))
"""What precedes a secret in encoded text, and how many characters of its base64 depend on unknown bytes.

Base64 turns three bytes into four characters, so that a secret has another form at each of three offsets.
After a colon, as in `user:password` of Basic authentication and of Docker's `auth`, one more character of it
is known.
"""
_BASE64_WIDTHS = (76, 64)
_HEXADECIMAL_WIDTH = 60
_SHORTEST_WRAPPED = 12
"""The end of a file in an encoding is shorter than a line; a few characters would be found anywhere."""
_URL_SAFE = str.maketrans("+/", "-_")
_KEPT_IN_ADDRESSES = ("", "/", "!'()*", "$&+,;=")
"""What encoders leave as it is: nothing, paths, JavaScript's `encodeURIComponent`, and passwords in Go."""
_QUOTES = (
    ("&quot;", "&#x27;"),
    ("&quot;", "&#39;"),
    ("&#34;", "&#39;"),
    ("&quot;", "&apos;"),
    ("&quot;", "'"),
)
"""How HTML and XML escape the two quotation marks."""


class Masker:
    """Replaces secrets by `***`, also if they are escaped, in hexadecimal, or part of a text in base64.

    The bot has one for all its secrets and those of the operator. It never forgets one: what a rotation has
    replaced may still be in use.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets: tuple[str, ...] = ()
        """All that it knows."""
        self._known = _Known(frozenset())
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, too."""
        new = dict.fromkeys(secrets).keys() - set(self.secrets)
        if new:
            self.secrets = (*self.secrets, *sorted(new))
            # Replaced as a whole: another thread may be masking.
            forms = (form for secret in self.secrets for form in _forms(secret))
            self._known = _Known(frozenset(part for form in forms for part in (form, *_pieces(form))))

    def mask(self, text: str) -> str:
        """Return the text with all secrets masked, also what is left of one beside `…` where text was cut."""
        return self._known.mask(text)

    def mask_cut(self, text: str) -> str:
        """Return a text masked; if its end was cut, not even one letter that may begin a secret is left."""
        masked = self.mask(text)
        if not masked.endswith(CUT):
            return masked
        shown = masked.removesuffix(CUT)
        return shown[: self.settled(shown)] + CUT

    def settled(self, text: str) -> int:
        """Return how much of a growing text can be masked and shown; the rest may begin a secret."""
        return self._known.forms.settled(text)


class _Known:
    """The forms of all secrets, and the same backwards: of a secret that was cut, the end may be left."""

    def __init__(self, forms: frozenset[str]) -> None:
        self.forms = _Forms(forms)
        self._backwards = _Forms(frozenset(form[::-1] for form in forms))

    def mask(self, text: str) -> str:
        if CUT in text:
            first, *others = text.split(CUT)
            *begun, last = (first, *map(self._without_end, others))
            text = CUT.join((*map(self._without_beginning, begun), last))
        return self.forms.mask(text)

    def _without_beginning(self, text: str) -> str:
        """Mask the beginning of a secret at the end of a text."""
        left = text[: self.forms.settled(text)]
        return left + MASK if len(text) - len(left) >= SHORTEST else text

    def _without_end(self, text: str) -> str:
        """Mask the end of a secret at the beginning of a text."""
        left = len(text) - self._backwards.settled(text[::-1])
        return MASK + text[left:] if left >= SHORTEST else text


class _Forms:
    """The forms that secrets have in texts; at each place of a text the longest one counts.

    There may be thousands, such as those of the lines of certificates: they are found by their beginnings.
    """

    def __init__(self, forms: frozenset[str]) -> None:
        self._size = min((len(form) for form in forms), default=0)
        self._size = min(self._size, _LONGEST_BEGINNING)
        self._longest = max(map(len, forms), default=0)
        self._by_beginning: dict[str, list[str]] = defaultdict(list)
        for form in sorted(forms, key=len, reverse=True):
            self._by_beginning[form[: self._size]].append(form)
        self._shorter = {form[:size] for form in self._by_beginning for size in range(1, self._size)}
        self._parts = _parts(forms) if len(forms) <= _FEW else None
        """If there are few forms, each contains one of these."""

    def mask(self, text: str) -> str:
        found = list(self._found(text))
        if not found:
            return text
        ends = (0, *(end for _, end in found))
        starts = (*(start for start, _ in found), len(text))
        return MASK.join(text[end:start] for end, start in zip(ends, starts, strict=True))

    def settled(self, text: str) -> int:
        end = self._held_from(text)
        if end == len(text):
            return end
        for start, stop in self._found(text):
            if start < end < stop:
                end = self._held_from(text, stop)
        return end

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where secrets begin and end, from left to right."""
        if not self._may_have(text):
            return
        at, size = 0, self._size
        while at <= len(text) - size:
            candidates = self._by_beginning.get(text[at : at + size], ())
            form = next((form for form in candidates if text.startswith(form, at)), "")
            if form:
                yield at, at + len(form)
            at += len(form) or 1

    def _may_have(self, text: str) -> bool:
        """Return whether a text may have a form: most texts have none, and are not looked at more closely."""
        # Looking for a few parts takes far less time than looking at each character.
        if self._parts is not None:
            return any(part in text for part in self._parts)
        size = self._size
        pieces = [text[at : at + size] for at in range(len(text) - size + 1)]
        return not self._by_beginning.keys().isdisjoint(pieces)

    def _held_from(self, text: str, least: int = 0) -> int:
        """Return the start of the longest ending that is the start of a secret. No secret spans lines."""
        earliest = max(text.rfind("\n") + 1, len(text) - self._longest + 1, least)
        return next((at for at in range(earliest, len(text)) if self._begins(text, at)), len(text))

    def _begins(self, text: str, at: int) -> bool:
        """Return whether the rest of a text is the beginning of a form, and not all of it."""
        beginning = text[at : at + self._size]
        if len(beginning) < self._size:
            return beginning in self._shorter
        forms = self._by_beginning.get(beginning, ())
        left = len(text) - at
        return any(len(form) > left and form.startswith(text[at:]) for form in forms)


def _parts(forms: frozenset[str]) -> tuple[str, ...]:
    return tuple(form for form in forms if not any(part in form for part in forms - {form}))


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms of a secret in texts. A secret of several lines is masked line by line."""
    for line in secret.splitlines():
        if len(line) >= SHORTEST:
            yield from _escaped_forms(line)
            yield from _hexadecimal_forms(line.encode())
            yield from _base64_forms(line.encode())
    yield from _wrapped_forms(secret.encode())


def _pieces(form: str) -> Iterator[str]:
    """Yield the pieces of a long form, so that what is left of it where a line was cut is masked too."""
    return (form[at : at + _PIECE] for at in range(0, len(form) - _PIECE, _PIECE))


def _escaped_forms(line: str) -> Iterator[str]:
    """Yield a line as it is in text, addresses, JSON and HTML, and in what `set -x` prints in a shell."""
    yield line
    for address in (*(quote(line, safe=kept) for kept in _KEPT_IN_ADDRESSES), quote_plus(line)):
        yield from (address, re.sub("%..", lambda code: code[0].lower(), address))
    yield from (json.dumps(line, ensure_ascii=False)[1:-1], json.dumps(line)[1:-1])
    element = html.escape(line, quote=False)
    yield element
    yield from (element.replace('"', double).replace("'", single) for double, single in _QUOTES)
    yield line.replace("'", r"'\''")


def _hexadecimal_forms(data: bytes) -> Iterator[str]:
    yield from (data.hex(), data.hex().upper())


def _wrapped_forms(data: bytes) -> Iterator[str]:
    """Yield the lines into which programs such as `base64` and `xxd -p` break the encoding of a file."""
    wrapped = (
        *((base64.b64encode(data).decode(), width) for width in _BASE64_WIDTHS),
        (data.hex(), _HEXADECIMAL_WIDTH),
    )
    for text, width in wrapped:
        lines = (text[at : at + width] for at in range(0, len(text), width))
        yield from (line for line in lines if len(line) >= _SHORTEST_WRAPPED)


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield what base64 makes of a secret within a text: if the text ends with it, and if it goes on."""
    for before, unknown in _BEFORE:
        data = before + secret
        ended = base64.b64encode(data).decode().rstrip("=")[unknown:]
        complete = ended[: len(data) * 8 // 6 - unknown]
        for form in (ended, complete):
            yield form
            yield form.translate(_URL_SAFE)
