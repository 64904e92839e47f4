"""Decides how often people without write access are answered; everyone else always is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AnswerPolicy:
    """What the operator grants to people without write access."""

    outside_contributors: bool = True
    """Whether to answer those of them who are not the author of a trusted commit."""
    hourly: int = 10
    """Comments of one person under one pull request that are answered within an hour, and as many pushes."""


def silent_until(answered: Sequence[datetime], now: datetime, policy: AnswerPolicy) -> datetime | None:
    """Return when a person is answered again; None if that is now.

    `answered` are the times of the answers to this person under the pull request, newest first; those beyond
    the limit may be missing.
    """
    if len(answered) < policy.hourly:
        return None
    until = answered[policy.hourly - 1] + WINDOW
    return until if until > now else None
