"""The observed state of a pull request; a difference from Gitee means that a webhook was lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.model.forge import PullState


class Effect(StrEnum):
    """What a decision changed, as far as it can make an earlier command pointless."""

    IMAGE = "image"
    ENVIRONMENT = "environment"
    TESTS = "tests"
    RUN = "run"
    """A run of any kind was started."""
    STOP = "stop"
    """Runs were stopped."""
    APPROVAL = "approval"


class Skip(StrEnum):
    """Why an event of an open pull request started nothing automatically."""

    DRAFT = "draft"
    TITLE = "title"
    """Its title says so."""
    COMMIT = "commit"
    """The message of its newest commit says so."""
    PATHS = "paths"
    """It changes only files that the path filters leave out."""
    PUSH = "push"
    """Since the commit that ran last, only such files have changed."""


def on_environment(name: str | None) -> str:
    """Return the effect on one environment of a pull request, or on all of them."""
    return f"{Effect.ENVIRONMENT}:{name}" if name else Effect.ENVIRONMENT


@dataclass(frozen=True, slots=True)
class ObservedState:
    """A pull request's state when an event of it was last decided, or when the bot first saw it.

    An empty `head` means that only comments of it have been decided.
    """

    at: datetime
    head: str = ""
    state: PullState | None = None
    head_at: datetime | None = None
    """When this head was first observed, by Gitee's clock; None if unknown."""
    pushed: frozenset[str] = frozenset()
    """What the event changed that reported this head; empty if its webhook was lost."""
    skipped: Skip | None = None
    """Why nothing was started automatically for this head, if so."""
    commands: Mapping[str, int] = field(default_factory=dict)
    """Id of the newest decided comment that had this effect: an `Effect`, or one on a single environment."""

    def then(self, later: "ObservedState") -> "ObservedState":
        """Return the state after a later decision, which observed either an event or a comment."""
        newest = {
            effect: max(self.commands.get(effect, 0), later.commands.get(effect, 0))
            for effect in {**self.commands, **later.commands}
        }
        if not later.head:
            return replace(self, commands=newest)
        if later.head == self.head:
            later = replace(later, head_at=self.head_at, pushed=self.pushed)
        return replace(later, commands=newest)


@dataclass(frozen=True, slots=True)
class RepositoryCursor:
    """Since when the bot serves a repository, and up to which change it is reconciled."""

    since: datetime
    seen_until: datetime
    """Time of the change, by Gitee's clock."""
