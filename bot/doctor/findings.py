"""What a check says: in both languages, what was found and, where something is wrong, what to do. Pure."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.model.forge import RepoPath
from bot.model.text import Text
from bot.settings.model import Settings


class State(StrEnum):
    """How a finding counts; only `wrong` makes the examination fail."""

    FINE = "fine"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    state: State
    found: Text
    advice: Text | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """What the checks are given; `repos` are those that the operator named besides the settings."""

    settings: Settings
    repos: tuple[RepoPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the whole. `look` must not raise for what it is there to find."""

    name: str
    check: Callable[[Examined], Awaitable[Sequence[Finding]]]
    wanted: Callable[[Settings], bool] = lambda _settings: True
    """Whether these settings use the part at all."""


def fine(*, en: str, zh: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(State.FINE, Text(en=en, zh=zh))


def note(found: Text, advice: Text | None = None) -> Finding:
    """Say what is worth knowing and does no harm by itself."""
    return Finding(State.NOTE, found, advice)


def wrong(found: Text, advice: Text | None = None) -> Finding:
    """Say what is in the way, and what to do about it."""
    return Finding(State.WRONG, found, advice)
