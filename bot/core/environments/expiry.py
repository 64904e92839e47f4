"""Until when environments live: what a deployment gives them, what is added, whose time is running out."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.model.environment import Environment, Extension
from bot.model.inventory import Item
from bot.model.run import Run


def until(now: datetime, asked: int, longest: timedelta) -> datetime:
    """Return when an environment deployed now expires: `asked` is in seconds, the operator's word is last."""
    return now + min(timedelta(seconds=asked), longest)


def extension(
    environment: Environment, more: timedelta, now: datetime, longest: timedelta
) -> Extension | None:
    """Return that much longer than it would live, at most `longest` from now; None if that adds nothing."""
    asked = max(environment.expires_at, now) + more
    allowed = min(asked, now + longest)
    if allowed <= environment.expires_at:
        return None
    return Extension(environment.key.name, allowed, capped=allowed < asked)


def stale_expiry(
    items: Iterable[Item], environments: Iterable[Environment]
) -> tuple[tuple[Item, datetime], ...]:
    """Return what names another end than the one that counts, as after an extension, with that one."""
    ends = {one.key: one.expires_at.replace(microsecond=0) for one in environments}
    dated = ((item, ends.get(item.key)) for item in items if item.expires is not None)
    return tuple((item, end) for item, end in dated if end is not None and end != item.expires)


def expired(
    environments: Iterable[Environment], unfinished: Iterable[Run], now: datetime
) -> tuple[Environment, ...]:
    """Return environments whose time is over, but for pull requests at which something is under way."""
    busy = _busy(unfinished)
    return tuple(one for one in environments if one.expires_at <= now and _pull(one) not in busy)


def ends_soon(environment: Environment, now: datetime, ahead: timedelta) -> bool:
    """Whether an environment that can be visited, if only to wake it, expires within `ahead`.

    One that was not given more than that is left out: whoever asked for it knows.
    """
    given = environment.expires_at - (environment.extended_at or environment.deployed_at)
    left = environment.expires_at - now
    return environment.state.stands and timedelta() < left <= ahead < given


def to_warn(
    environments: Iterable[Environment], unfinished: Iterable[Run], now: datetime, ahead: timedelta
) -> tuple[Environment, ...]:
    """Return environments of whose end people are to be told now: once, unless something may yet move it."""
    busy = _busy(unfinished)
    return tuple(
        one
        for one in environments
        if ends_soon(one, now, ahead) and one.warned != one.expires_at and _pull(one) not in busy
    )


def _busy(unfinished: Iterable[Run]) -> set[tuple[object, int]]:
    return {(run.repo, run.number) for run in unfinished}


def _pull(environment: Environment) -> tuple[object, int]:
    return environment.key.repo, environment.key.number
