"""Expiry of environments: what a deployment sets, what an extension adds, and who is warned."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.model.environment import Environment, Extension
from bot.model.inventory import Item
from bot.model.run import Run


def until(now: datetime, asked: int, max_lifetime: timedelta) -> datetime:
    """Return when an environment deployed now expires: `asked` seconds or at most `max_lifetime` later."""
    return now + min(timedelta(seconds=asked), max_lifetime)


def extension(
    environment: Environment, more: timedelta, now: datetime, max_lifetime: timedelta
) -> Extension | None:
    """Return an extension by `more`, to at most `max_lifetime` from now; None if that adds nothing."""
    asked = max(environment.expires_at, now) + more
    allowed = min(asked, now + max_lifetime)
    if allowed <= environment.expires_at:
        return None
    return Extension(environment.key.name, allowed, capped=allowed < asked)


def stale_expiry(
    items: Iterable[Item], environments: Iterable[Environment]
) -> tuple[tuple[Item, datetime], ...]:
    """Return items whose expiry differs from the store, as after an extension, with the right one."""
    ends = {one.key: one.expires_at.replace(microsecond=0) for one in environments}
    dated = ((item, ends.get(item.key)) for item in items if item.expires is not None)
    return tuple((item, end) for item, end in dated if end is not None and end != item.expires)


def expired(
    environments: Iterable[Environment], unfinished: Iterable[Run], now: datetime
) -> tuple[Environment, ...]:
    """Return environments that have expired, unless their pull request has an unfinished run."""
    busy = _busy(unfinished)
    return tuple(one for one in environments if one.expires_at <= now and _pull(one) not in busy)


def ends_soon(environment: Environment, now: datetime, warning_time: timedelta) -> bool:
    """Whether an environment that is ready, asleep or waking expires within `warning_time`.

    False if its whole life is no longer than `warning_time`: a lifetime so short was chosen on purpose.
    """
    given = environment.expires_at - (environment.extended_at or environment.deployed_at)
    left = environment.expires_at - now
    return environment.state.deployed and timedelta() < left <= warning_time < given


def to_warn(
    environments: Iterable[Environment], unfinished: Iterable[Run], now: datetime, warning_time: timedelta
) -> tuple[Environment, ...]:
    """Return environments whose expiry people are warned of now.

    Each expiry is announced once, and not while an unfinished run may still change it.
    """
    busy = _busy(unfinished)
    return tuple(
        one
        for one in environments
        if ends_soon(one, now, warning_time) and one.warned != one.expires_at and _pull(one) not in busy
    )


def _busy(unfinished: Iterable[Run]) -> set[tuple[object, int]]:
    return {(run.repo, run.number) for run in unfinished}


def _pull(environment: Environment) -> tuple[object, int]:
    return environment.key.repo, environment.key.number
