"""Secrets taken out of text that people will read: logs, reports and comments."""

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MASK = "***"
SHORTEST = 4
"""Shorter secrets are left alone: masking a single letter would only make everything unreadable."""


class Masker:
    """Replaces secrets, also where they were URL-encoded or base64-encoded, by `***`."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def mask(self, text: str) -> str:
        """Return the text without any secret."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def settled(self, text: str) -> int:
        """Return how much of a growing text can be masked and shown: the rest may be a secret's beginning."""
        if self._pattern is None:
            return len(text)
        end = self._held_from(text)
        for match in self._pattern.finditer(text):
            if match.start() < end < match.end():
                return match.start()
        return end

    def _held_from(self, text: str) -> int:
        """Return where the longest ending begins that some secret begins with; no secret spans lines."""
        longest = len(self._forms[0]) - 1
        earliest = max(text.rfind("\n") + 1, len(text) - longest)
        for start in range(earliest, len(text)):
            ending = text[start:]
            if any(form != ending and form.startswith(ending) for form in self._forms):
                return start
        return len(text)


def _forms(secret: str) -> Iterator[str]:
    """Yield the ways in which a secret turns up; one of several lines is masked line by line."""
    for line in secret.splitlines():
        yield line
        yield quote(line, safe="")
        yield base64.b64encode(line.encode()).decode().rstrip("=")
