"""The findings of a check, in both languages: what was found and, if it is wrong, what to do."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.model.forge import RepoPath
from bot.model.text import Text
from bot.settings.model import Settings


class State(StrEnum):
    """The severity of a finding; only `wrong` makes the doctor fail."""

    FINE = "fine"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check."""

    state: State
    found: Text
    advice: Text | None = None


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What is checked; `repos` are repositories that the operator names in addition to the settings."""

    settings: Settings
    repos: tuple[RepoPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """The check of one part. `check` returns problems as findings instead of raising."""

    name: str
    check: Callable[[DoctorOptions], Awaitable[Sequence[Finding]]]
    enabled: Callable[[Settings], bool] = lambda _settings: True
    """Whether these settings use the part."""


def fine(*, en: str, zh: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(State.FINE, Text(en=en, zh=zh))


def note(found: Text, advice: Text | None = None) -> Finding:
    """Return a finding that is worth knowing but does not stop the bot."""
    return Finding(State.NOTE, found, advice)


def wrong(found: Text, advice: Text | None = None) -> Finding:
    """Return a finding that stops the bot from working, and what to do about it."""
    return Finding(State.WRONG, found, advice)
