"""Masks secrets in text that people will read: logs, reports and comments."""

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MASK = "***"
SHORTEST = 4
"""Shorter secrets are not masked: masking single letters would only make everything unreadable."""


_BEFORE = ((b"", 0), (b"?", 2), (b"??", 3), (b":", 1), (b"?:", 2))
"""What precedes a secret in encoded text, and how many characters of its base64 depend on unknown bytes.

Base64 turns three bytes into four characters, so that a secret has another form at each of three offsets.
After a colon, as in `user:password` of Basic authentication and of Docker's `auth`, one more character of it
is known.
"""
_URL_SAFE = str.maketrans("+/", "-_")


class Masker:
    """Replaces secrets by `***`, also if they are URL-encoded, or part of a text in base64.

    The bot has one for all its secrets and those of the operator. It never forgets one: what a rotation has
    replaced may still be in use.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets: tuple[str, ...] = ()
        """All that it knows."""
        self._known = _Forms(frozenset())
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these from now on, too."""
        new = dict.fromkeys(secrets).keys() - set(self.secrets)
        if new:
            self.secrets = (*self.secrets, *sorted(new))
            # Replaced as a whole: another thread may be masking.
            self._known = _Forms(frozenset(form for secret in self.secrets for form in _forms(secret)))

    def mask(self, text: str) -> str:
        """Return the text with all secrets masked."""
        return self._known.mask(text)

    def settled(self, text: str) -> int:
        """Return how much of a growing text can be masked and shown; the rest may begin a secret."""
        return self._known.settled(text)


class _Forms:
    """The forms that secrets have in texts."""

    def __init__(self, forms: frozenset[str]) -> None:
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None
        self._parts = [form for form in forms if not any(part in form for part in forms - {form})]
        """Every form contains one of these."""
        self._by_start = {form[0]: [one for one in self._forms if one[0] == form[0]] for form in forms}

    def mask(self, text: str) -> str:
        # Looking for a few parts takes far less time than trying all forms at each character.
        found = self._pattern is not None and any(part in text for part in self._parts)
        return self._pattern.sub(MASK, text) if self._pattern and found else text

    def settled(self, text: str) -> int:
        if self._pattern is None:
            return len(text)
        end = self._held_from(text)
        if end == len(text):
            return end
        for match in self._pattern.finditer(text):
            if match.start() < end < match.end():
                end = self._held_from(text, match.end())
        return end

    def _held_from(self, text: str, least: int = 0) -> int:
        """Return the start of the longest ending that is the start of a secret. No secret spans lines."""
        longest = len(self._forms[0]) - 1
        earliest = max(text.rfind("\n") + 1, len(text) - longest, least)
        for start in range(earliest, len(text)):
            ending = text[start:]
            forms = self._by_start.get(ending[0], ())
            if any(form != ending and form.startswith(ending) for form in forms):
                return start
        return len(text)


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms of a secret in texts. A secret of several lines is masked line by line."""
    for line in secret.splitlines():
        if len(line) >= SHORTEST:
            yield line
            yield quote(line, safe="")
            yield from _base64_forms(line.encode())


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield what base64 makes of a secret within a text: if the text ends with it, and if it goes on."""
    for before, unknown in _BEFORE:
        data = before + secret
        ended = base64.b64encode(data).decode().rstrip("=")[unknown:]
        complete = ended[: len(data) * 8 // 6 - unknown]
        for form in (ended, complete):
            yield form
            yield form.translate(_URL_SAFE)
