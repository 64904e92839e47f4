"""Masks secrets in text that people will read: logs, reports and comments."""

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MASK = "***"
SHORTEST = 4
"""Shorter secrets are not masked: masking single letters would only make everything unreadable."""


class Masker:
    """Replaces secrets by `***`, also if they are URL-encoded or base64-encoded."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def mask(self, text: str) -> str:
        """Return the text with all secrets masked."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def settled(self, text: str) -> int:
        """Return how much of a growing text can be masked and shown; the rest may begin a secret."""
        if self._pattern is None:
            return len(text)
        end = self._held_from(text)
        for match in self._pattern.finditer(text):
            if match.start() < end < match.end():
                return match.start()
        return end

    def _held_from(self, text: str) -> int:
        """Return the start of the longest ending that is the start of a secret. No secret spans lines."""
        longest = len(self._forms[0]) - 1
        earliest = max(text.rfind("\n") + 1, len(text) - longest)
        for start in range(earliest, len(text)):
            ending = text[start:]
            if any(form != ending and form.startswith(ending) for form in self._forms):
                return start
        return len(text)


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms of a secret in texts. A secret of several lines is masked line by line."""
    for line in secret.splitlines():
        yield line
        yield quote(line, safe="")
        yield base64.b64encode(line.encode()).decode().rstrip("=")
