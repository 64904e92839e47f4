"""Text in both languages, side by side, so that a missing translation is a type error."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """The language of one comment or page."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """The same text in each language."""

    en: str
    zh: str

    def say(self, language: Language) -> str:
        """Return the text in `language`."""
        return self.zh if language is Language.ZH else self.en


def counted(path: Iterable[str | int]) -> tuple[str, ...]:
    """Return the path of a value in a file as people count: from 1 in lists.

    >>> counted(("on", "open", 0))
    ('on', 'open', '1')
    """
    return tuple(str(part + 1) if isinstance(part, int) else part for part in path)
