"""Schedules deliveries so that those which may be forged do not delay the others.

A delivery proves only that its sender knew the headers of a webhook. Those about pull requests that the bot
knows come first, then the others. What Gitee denied is tried again last and rarely, because a true one can be
faster than Gitee's API, which then finds no such pull request.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

RETRY_SPACING = timedelta(seconds=6)
"""Time between two deliveries of one repository that are tried again after Gitee denied them."""
LONGEST_WAIT = timedelta(minutes=10)
"""Longest time until such a delivery is tried again. Beyond it, the sweep finds what was true."""

Pull = tuple[str, int]
"""A repository in lower case, and a number."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A delivery that is due."""

    key: str
    pull: Pull
    known: bool
    """Whether the bot has decided an event of this pull request, or the sweep has seen it."""
    denied: bool = False
    """Whether Gitee's API has denied it: there was no such pull request."""


def choose(
    candidates: Iterable[Candidate], busy: Iterable[Pull], room: int, reserved: int = 0
) -> tuple[str, ...]:
    """Return the keys of deliveries to decide now, each of another pull request that is not `busy`.

    `candidates` are in order of arrival. There is room for `room` deliveries, and for `reserved` more about
    known pull requests.
    """
    taken = set(busy)
    chosen: list[str] = []
    for one in sorted(candidates, key=lambda one: (one.denied, not one.known)):
        most = room + reserved if one.known and not one.denied else room
        if len(chosen) >= most:
            break
        if one.pull not in taken:
            taken.add(one.pull)
            chosen.append(one.key)
    return tuple(chosen)


def retry_at(earliest: datetime, latest: datetime | None, now: datetime) -> datetime | None:
    """Return when to try a denied delivery again, None for never.

    `latest` is the latest such time of its repository's other deliveries.
    """
    due = earliest if latest is None else max(earliest, latest + RETRY_SPACING)
    return due if due - now <= LONGEST_WAIT else None


def share(capacity: int) -> int:
    """Return how much of the inbox the deliveries of one repository may fill."""
    return -(-capacity // 2)
