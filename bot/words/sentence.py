"""Sentences about facts, split into parts that comments and pages escape each in their own way."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bot.model.text import Language, Text
from bot.words.names import OBSTACLES, RIGHTS, SEVERITIES, STEPS
from bot.words.quantities import duration

MISSING = "—"
"""Replaces a fact that is missing."""


class PartKind(Enum):
    """What a part of a sentence is."""

    WORDS = auto()
    """Words of the bot."""
    TEXT = auto()
    """Hostile text, to be shown as words."""
    CODE = auto()
    """Identifiers, paths and messages, to be shown as code; may be hostile."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence."""

    kind: PartKind
    value: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What happened, in a sentence, and optionally advice on what to do about it.

    `{name}` is replaced by a fact, whose name determines how it is shown; backticks enclose code.
    """

    sentence: Text
    advice: "Text | Wording | None" = None
    without: "Text | Wording | None" = None
    """What to say instead when a fact of the sentence is missing or empty."""

    def say(self, facts: Mapping[str, str], language: Language) -> tuple[Part, ...]:
        """Return the parts of the sentence."""
        if self.without and not all(map(facts.get, _NAME.findall(self.sentence.say(language)))):
            rest = self.without if isinstance(self.without, Wording) else Wording(self.without)
            return rest.say(facts, language)
        return parts(self.sentence.say(language), facts, language)

    def advise(self, facts: Mapping[str, str], language: Language) -> tuple[Part, ...]:
        """Return the parts of the advice; none if there is no advice, or a fact of it is missing or empty."""
        if isinstance(self.advice, Wording):
            return self.advice.say(facts, language)
        if self.advice is None or not all(map(facts.get, _NAME.findall(self.advice.say(language)))):
            return ()
        return parts(self.advice.say(language), facts, language)


_NAME = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_SHORT = 12
"""Digits of a commit that are shown: two commits that share so many take an effort to make."""

_COMMITS = frozenset({"by", "now", "onto", "seen", "sha"})
_LISTS = frozenset({"allowed", "helpers", "known", "names", "parameters", "paths", "unfetched"})
_PLAIN = frozenset(
    {
        *("author", "code", "expected", "failed", "fixable", "found"),
        *("limit", "number", "size", "times", "total", "who"),
    }
)
_NAMED: Final[Mapping[str, Mapping[str, Text]]] = {
    "obstacle": OBSTACLES,
    "severity": SEVERITIES,
    "step": STEPS,
}
_COMMA = Text(en=", ", zh="、")
_OR = Text(en=" or ", zh="或")


def rights(items: Sequence[str], language: Language) -> tuple[Part, ...]:
    """Return who may do something: any one of these levels, `@logins` and other rights."""
    return tuple(_spaced(part for part in _rights(items, language) if part.value))


def _rights(items: Sequence[str], language: Language) -> Iterator[Part]:
    for index, item in enumerate(items):
        if index:
            yield Part(PartKind.WORDS, (_OR if index == len(items) - 1 else _COMMA).say(language))
        known = RIGHTS.get(item)
        yield from _marked(known.say(language)) if known else [Part(PartKind.CODE, item.removeprefix("@"))]


def _spaced(given: Iterable[Part]) -> Iterator[Part]:
    """Yield a sentence with a space between words and code that were put together without one."""
    before = Part(PartKind.WORDS, "")
    for part in given:
        one, other = before.value[-1:], part.value[:1]
        touching = one.isalnum() and other.isalnum()
        if touching and PartKind.CODE in {before.kind, part.kind} and before.kind is not part.kind:
            yield Part(PartKind.WORDS, " ")
        before = part
        yield part


def parts(sentence: str, facts: Mapping[str, str], language: Language) -> tuple[Part, ...]:
    """Split a sentence with placeholders."""
    return tuple(_spaced(part for part in _parts(sentence, facts, language) if part.value))


def _parts(sentence: str, facts: Mapping[str, str], language: Language) -> Iterator[Part]:
    for index, piece in enumerate(_NAME.split(sentence)):
        if index % 2:
            yield from _fact(piece, facts.get(piece) or MISSING, language)
        else:
            yield from _marked(piece)


def _marked(words: str) -> Iterator[Part]:
    for index, piece in enumerate(words.split("`")):
        yield Part(PartKind.CODE if index % 2 else PartKind.WORDS, piece)


def _fact(name: str, value: str, language: Language) -> Iterator[Part]:
    """Return the parts of a fact. Its name determines them, because it means the same in every sentence."""
    if known := _NAMED.get(name, {}).get(value):
        yield from _marked(known.say(language))
    elif name == "level":
        yield from _rights([item for item in map(str.strip, value.split(",")) if item], language)
    elif name in _LISTS:
        yield from _list(value, language)
    elif name == "seconds" and _NUMBER.fullmatch(value):
        yield Part(PartKind.WORDS, duration(float(value), language))
    elif name in _PLAIN:
        yield Part(PartKind.TEXT, value)
    else:
        yield Part(PartKind.CODE, value[:_SHORT] if name in _COMMITS else value)


def _list(value: str, language: Language) -> Iterator[Part]:
    for index, item in enumerate(filter(None, map(str.strip, value.split(",")))):
        if index:
            yield Part(PartKind.WORDS, _COMMA.say(language))
        yield Part(PartKind.CODE, item)
