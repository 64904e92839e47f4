"""What a lost webhook would have told: compares what Gitee says now with what was last decided."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from bot.model.delivery import Trigger
from bot.model.forge import Comment, Listed, PullRequest, PullState
from bot.model.observed import ObservedState

FRESH = timedelta(days=1)
"""How old words may be when the bot first hears of them, clocks that differ included."""

_ENDED_BY = {PullState.CLOSED: Trigger.CLOSE, PullState.MERGED: Trigger.MERGE}


def stands(known: ObservedState | None, pull: PullRequest) -> bool:
    """Tell whether a pull request still stands as it did when the last event of it was decided."""
    if known is None or not known.head:
        return False
    if pull.state is not PullState.OPEN:
        return known.state is not PullState.OPEN
    return known.state is PullState.OPEN and known.head == pull.head.sha


def missed_event(
    seen: Listed, known: ObservedState | None, since: datetime, *, holds: bool
) -> Trigger | None:
    """Return the event that the bot has not heard of, None if it knows how things stand.

    `since` is when the bot came to know the repository: what was there before is none of its business.
    `holds` says that something of the pull request exists or goes on.
    """
    pull = seen.pull
    if stands(known, pull):
        return None
    if known is None or not known.head:
        return _first_event(seen, since, holds=holds)
    if pull.state is not PullState.OPEN:
        return _ENDED_BY[pull.state]
    return Trigger.UPDATE if known.state is PullState.OPEN else Trigger.REOPEN


def _first_event(seen: Listed, since: datetime, *, holds: bool) -> Trigger | None:
    if seen.pull.state is not PullState.OPEN:
        return _ENDED_BY[seen.pull.state] if holds else None
    return Trigger.OPEN if seen.created_at >= since else None


def missed_words(
    comments: Iterable[Comment], known: ObservedState | None, since: datetime, now: datetime, age: timedelta
) -> tuple[Comment, ...]:
    """Return comments that may hold a command nobody heard, in order of writing.

    Words count once: those that were edited, that are too old, or that a later command has overtaken come too
    late, and those younger than `age` may still be on their way.
    """
    overtaken = known.comment if known is not None else 0
    oldest = max(since, now - FRESH)
    found = (
        comment
        for comment in comments
        if comment.id > overtaken
        and oldest <= comment.created_at <= now - age
        and comment.updated_at <= comment.created_at
    )
    return tuple(sorted(found, key=lambda comment: comment.id))


def settled(
    seen: Iterable[Listed], now: datetime, age: timedelta, busy: Collection[int]
) -> tuple[Listed, ...]:
    """Leave out what changed a moment ago, and of which deliveries wait: it is in good hands."""
    return tuple(one for one in seen if one.updated_at <= now - age and one.pull.number not in busy)
