"""When an environment sleeps, and how it wakes.

An environment can sleep whose visitors come through the bot's proxy: nobody else could wake it for them.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model.environment import Environment, EnvironmentState
from bot.model.run import Run


def used_at(environment: Environment) -> datetime:
    """Return when somebody last cared for it."""
    return max(environment.deployed_at, environment.visited_at or environment.deployed_at)


def idle(
    environments: Iterable[Environment], unfinished: Iterable[Run], now: datetime, after: timedelta
) -> tuple[Environment, ...]:
    """Return environments that nobody has used for so long, but for those at which something is under way."""
    busy = {(run.repo, run.number) for run in unfinished}
    return tuple(
        one
        for one in environments
        if one.state is EnvironmentState.READY
        and one.suspendable_by is not None
        and used_at(one) <= now - after
        and (one.key.repo, one.key.number) not in busy
    )


def asleep(environment: Environment) -> Environment:
    """Return it as it is kept while it sleeps."""
    return replace(environment, state=EnvironmentState.ASLEEP)


def wake_requested(environment: Environment, at: datetime) -> Environment:
    """Return it as it is kept once somebody wants it; whatever does not sleep stays as it is."""
    if environment.state is not EnvironmentState.ASLEEP:
        return environment
    return replace(environment, state=EnvironmentState.WAKING, visited_at=at)


def woken(environment: Environment, begun: Environment, at: datetime, *, up: bool) -> Environment:
    """Return it as it is kept when waking has ended, unless it has become another meanwhile."""
    same = environment.key == begun.key and environment.run == begun.run
    if not same or environment.state is not EnvironmentState.WAKING:
        return environment
    if not up:
        return replace(environment, state=EnvironmentState.FAILED)
    return replace(environment, state=EnvironmentState.READY, visited_at=at)


def visited(environment: Environment, at: datetime) -> Environment:
    """Return it with a visit at that time; an older one changes nothing."""
    return replace(environment, visited_at=at) if at > used_at(environment) else environment
