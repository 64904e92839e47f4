"""Which environments have outlived the time that they were given."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.model.environment import Environment
from bot.model.run import Run


def until(now: datetime, asked: int, longest: timedelta) -> datetime:
    """Return when an environment deployed now expires: `asked` is in seconds, the operator's word is last."""
    return now + min(timedelta(seconds=asked), longest)


def expired(
    environments: Iterable[Environment], unfinished: Iterable[Run], now: datetime
) -> tuple[Environment, ...]:
    """Return environments whose time is over, but for pull requests at which something is under way."""
    busy = {(run.repo, run.number) for run in unfinished}
    return tuple(
        environment
        for environment in environments
        if environment.expires_at <= now and (environment.key.repo, environment.key.number) not in busy
    )
