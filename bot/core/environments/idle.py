"""When an environment is scaled to zero, and how it wakes.

Only an environment whose visitors come through the bot's proxy can sleep, because the proxy wakes it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model.environment import Environment, EnvironmentState
from bot.model.run import Run


def used_at(environment: Environment) -> datetime:
    """Return when the environment was last deployed, woken or visited."""
    return max(environment.deployed_at, environment.visited_at or environment.deployed_at)


def idle(
    environments: Iterable[Environment], unfinished: Iterable[Run], now: datetime, after: timedelta
) -> tuple[Environment, ...]:
    """Return environments that were not used for `after`, unless their pull request has an unfinished run."""
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
    """Return the environment as asleep."""
    return replace(environment, state=EnvironmentState.ASLEEP)


def wake_requested(environment: Environment, at: datetime) -> Environment:
    """Return the environment as waking if it is asleep, otherwise unchanged."""
    if environment.state is not EnvironmentState.ASLEEP:
        return environment
    return replace(environment, state=EnvironmentState.WAKING, visited_at=at)


def woken(environment: Environment, started: Environment, at: datetime, *, up: bool) -> Environment:
    """Return the environment after waking has ended: ready if it is `up`, otherwise failed.

    It stays unchanged if it was deployed again, or is not waking any more, since `started`.
    """
    same = environment.key == started.key and environment.run == started.run
    if not same or environment.state is not EnvironmentState.WAKING:
        return environment
    if not up:
        return replace(environment, state=EnvironmentState.FAILED)
    return replace(environment, state=EnvironmentState.READY, visited_at=at)


def visited(environment: Environment, at: datetime) -> Environment:
    """Return the environment with this visit; an older visit changes nothing."""
    return replace(environment, visited_at=at) if at > used_at(environment) else environment
