"""What a command is: one value from which parsing, usage, help and documentation are all derived."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from bot.core.language import arguments
from bot.core.language.arguments import Argument
from bot.model.outcome import Outcome
from bot.model.pipeline import Pipeline
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text

A = TypeVar("A")


class PermissionLevel(StrEnum):
    """The level that a command asks for, lowest first; who has it is decided in `trust`."""

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


@dataclass(frozen=True, slots=True)
class NoArguments:
    """For commands that take none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[A]):
    """A slash-command.

    `plan` is pure: it decides from arguments and facts, and never looks at who asked; the common
    refusals (permission, trust, closed pull request, moved head) are met before it is called.
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
    """Place in lists; equal ones are sorted by name."""
    needs: tuple[Fact, ...] = ()
    """Facts that `plan` reads from the snapshot beyond those that are always there."""
    runs_code: bool = False
    """Whether code of the pull request is run: only an open one's, only at the commit that was seen, and
    only when it is trusted."""
    approves: bool = False
    """Whether it is what makes a commit trusted: it needs no trust, and never less than write permission."""
    automatic: bool = False
    """Whether `on:` in the repository's configuration may name it."""
    offered: Callable[[Pipeline], bool] = field(default=_always)
    """Whether the repository's configuration leaves it something to do; if not, help leaves it out."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name and the aliases."""
        return (self.name, *self.aliases)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What it takes, in order."""
        return arguments.declared(self.args)

    @property
    def usage(self) -> str:
        """One line such as `/deploy [env] [ttl=…]`."""
        return " ".join((f"/{self.name}", *(argument.usage for argument in self.arguments)))

    def bind(self, tokens: Sequence[str]) -> A:
        """Return the arguments that the tokens after the name give.

        Raises TellUser(ARGUMENT_MISSING | ARGUMENT_UNKNOWN | ARGUMENT_REPEATED | ARGUMENT_INVALID).
        """
        return arguments.bind(self.args, tokens, self.usage)


AnyCommand = Command[Any]
