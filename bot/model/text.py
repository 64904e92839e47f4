"""Text in both languages, side by side, so that a missing translation is a type error."""

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
