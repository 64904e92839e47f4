"""Finds events and commands whose webhooks were lost: compares Gitee with the last observed states."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from bot.core.deciding import skipping
from bot.model.delivery import Trigger
from bot.model.forge import Comment, Listed, PullRequest, PullState
from bot.model.observed import ObservedState

FRESH = timedelta(days=1)
"""Oldest comment whose command is still executed when the bot finds it, differing clocks included."""

_ENDED_BY = {PullState.CLOSED: Trigger.CLOSE, PullState.MERGED: Trigger.MERGE}


def unchanged(known: ObservedState | None, pull: PullRequest) -> bool:
    """Whether a pull request has the state and head that the last decision observed.

    One that was skipped has changed once that reason has ceased, such as when a draft is marked as ready.
    """
    if known is None or not known.head:
        return False
    if pull.state is not PullState.OPEN:
        return known.state is not PullState.OPEN
    if known.state is not PullState.OPEN or known.head != pull.head.sha:
        return False
    return known.skipped is None or skipping.still_skipped(known, pull) is not None


def missed_event(
    seen: Listed, known: ObservedState | None, since: datetime, *, holds: bool
) -> Trigger | None:
    """Return the event that no webhook reported, or None if the observed state is up to date.

    `since` is when the bot first served the repository: pull requests opened earlier are not its business.
    `holds` says whether the pull request has environments, images or unfinished runs.
    """
    pull = seen.pull
    if unchanged(known, pull):
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


def missed_comments(
    comments: Iterable[Comment], since: datetime, now: datetime, age: timedelta
) -> tuple[Comment, ...]:
    """Return comments that may contain a command whose webhook was lost, oldest first.

    Skipped are comments that were edited or are older than `FRESH`, and those younger than `age`, whose
    webhook may still be on its way.
    """
    oldest = max(since, now - FRESH)
    found = (
        comment
        for comment in comments
        if oldest <= comment.created_at <= now - age and comment.updated_at <= comment.created_at
    )
    return tuple(sorted(found, key=lambda comment: comment.id))


def reconcilable(
    seen: Iterable[Listed], now: datetime, age: timedelta, busy: Collection[int]
) -> tuple[Listed, ...]:
    """Skip pull requests that changed within `age` or have pending deliveries, which decide them anyway."""
    return tuple(one for one in seen if one.updated_at <= now - age and one.pull.number not in busy)
