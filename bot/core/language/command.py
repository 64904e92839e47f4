"""A command is one value, from which parsing, usage, help and documentation are derived."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from bot.core.language import arguments
from bot.core.language.arguments import Argument
from bot.model.observed import Effect
from bot.model.outcome import Outcome
from bot.model.pipeline import Pipeline
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text

A = TypeVar("A")


class PermissionLevel(StrEnum):
    """The permission level that a command requires, lowest first; `trust` decides who has it."""

    ANYONE = "anyone"
    CONTRIBUTOR = "contributor"
    """Write permission, or the author of a pull request that is trusted."""
    WRITE = "write"
    ADMIN = "admin"

    def at_least(self, floor: "PermissionLevel") -> "PermissionLevel":
        """Return the stricter of the two."""
        levels = tuple(PermissionLevel)
        return max(self, floor, key=levels.index)


def _always(_: Pipeline) -> bool:
    return True


def _never(_: object) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class NoArguments:
    """For commands without arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[A]):
    """A slash-command.

    `plan` is pure: it decides from arguments and facts. The common checks (permission, trust, closed pull
    request, moved head) come before it, so that it never checks who the actor is.
    """

    name: str
    summary: Text
    permission: PermissionLevel
    args: type[A]
    plan: Callable[[A, Snapshot], Outcome]
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    """Whole command lines, ready to copy."""
    order: int = 50
    """Position in lists; commands with equal positions are sorted by name."""
    needs: tuple[Fact, ...] = ()
    """Facts that `plan` reads from the snapshot beyond those that are always there."""
    runs_code: bool = False
    """Whether it runs code of the pull request: then only if that is open, only at the commit that the
    actor saw, and only if the commit is trusted."""
    approves: bool = False
    """Whether it approves untrusted commits; it never requires less than write access."""
    revokes: Callable[[A], bool] = field(default=_never)
    """Whether these arguments take approvals back, so that nothing of the pull request will run."""
    overtaken_by: frozenset[Effect] = frozenset()
    """Later effects that make it pointless if its webhook was lost; empty if it only replies."""
    automatic: bool = False
    """Whether `on:` in the repository's configuration may name it."""
    environment: Callable[[A], str | None] | None = None
    """Returns the environment that arguments name, if they do; None for commands that take none."""
    offered: Callable[[Pipeline], bool] = field(default=_always)
    """Whether it has something to do with this configuration; otherwise help leaves it out."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and the aliases."""
        return (self.name, *self.aliases)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The arguments in order."""
        return arguments.declared(self.args)

    @property
    def usage(self) -> str:
        """One line such as `/deploy [env] [ttl=…]`."""
        return " ".join((f"/{self.name}", *(argument.usage for argument in self.arguments)))

    def bind(self, tokens: Sequence[str]) -> A:
        """Return the arguments in the tokens after the name.

        Raises TellUser(ARGUMENT_MISSING | ARGUMENT_UNKNOWN | ARGUMENT_REPEATED | ARGUMENT_INVALID).
        """
        return arguments.bind(self.args, tokens, self.usage)


AnyCommand = Command[Any]
