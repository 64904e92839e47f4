"""Decides what becomes of a command that was found late, because its webhook was lost.

A later command or push overtakes it only if that was about the same thing: the command's `overtaken_by` says
what, and its argument `env` which environment; none means all. Otherwise it is executed while it is certainly
still meant, or answered with what to type.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.language.parsing import Invocation, Line
from bot.model.forge import Comment, PullRequest
from bot.model.observed import Effect, ObservedState
from bot.model.outcome import Refuse
from bot.model.reason import Reason

LATE = timedelta(hours=1)
"""Age of a command that is not executed any more."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """What is known about the commands of a comment that was found late."""

    comment: Comment
    pull: PullRequest
    observed: ObservedState | None
    now: datetime

    def current(self, lines: Iterable[Line]) -> tuple[Line, ...]:
        """Return the lines that nothing has overtaken."""
        return tuple(line for line in lines if not (isinstance(line, Invocation) and self._overtaken(line)))

    def unrevoked(self, lines: Iterable[Line]) -> tuple[Line, ...]:
        """Return the lines without approvals from before a decided revocation, however these arrived."""
        later = self.observed.commands.get(Effect.APPROVAL, 0) if self.observed else 0
        if later <= self.comment.id:
            return tuple(lines)
        return tuple(line for line in lines if not (isinstance(line, Invocation) and _approves(line)))

    def refusal(self, line: Line) -> Refuse | None:
        """Return why a command is answered instead of executed, None if it is executed.

        Commands that only reply, and those that take an approval back, are never too late.
        """
        if not isinstance(line, Invocation) or not line.command.overtaken_by:
            return None
        if line.command.revokes(line.args):
            return None
        if self.now - self.comment.created_at > LATE:
            seconds = (self.now - self.comment.created_at).total_seconds()
            return Refuse(Reason.FOUND_LATE, {"seconds": f"{seconds:.0f}"})
        # An approval counts for the commit that it names, or that was announced before it.
        if not line.command.approves and self._may_have_moved:
            return Refuse(Reason.FOUND_AFTER_PUSH, {"now": self.pull.head.sha})
        return None

    def _overtaken(self, line: Invocation) -> bool:
        if self.observed is None:
            return False
        later = {effect for effect, comment in self.observed.commands.items() if comment > self.comment.id}
        if self._may_have_moved and self.observed.head == self.pull.head.sha:
            later |= self.observed.pushed
        return any(_about_the_same(effect, line) for effect in later)

    @property
    def _may_have_moved(self) -> bool:
        """Whether the author may have seen another head."""
        known = self.observed
        if known is None or known.head_at is None or known.head != self.pull.head.sha:
            return True
        return known.head_at > self.comment.created_at


def _about_the_same(effect: str, line: Invocation) -> bool:
    kind, _, environment = effect.partition(":")
    named = getattr(line.args, "env", None)
    same = not environment or named in {None, environment}
    return kind in line.command.overtaken_by and same


def _approves(line: Invocation) -> bool:
    return line.command.approves and not line.command.revokes(line.args)
