"""Health of deployed environments: what a series of looks at their parts means.

A single look does not tell a restart after a crash from one of many, or a pod that moves from a lost one. So
each look is joined to those before it, and an environment changes its state only when that has lasted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.model.environment import Environment, EnvironmentState, Outage
from bot.model.health import Part
from bot.model.reason import Reason
from bot.model.run import Run

RESTARTS = 3
"""Restarts of a part within `WINDOW` from which on it is failing."""
WINDOW = timedelta(minutes=5)
COUNTED = 100
"""Restarts that are counted between two looks."""
DOWN = timedelta(minutes=2)
"""How long a part is not up until it is failing."""
STEADY = timedelta(minutes=5)
"""How long all parts are up, without a restart, until an environment is ready again."""
_WATCHED = {EnvironmentState.READY, EnvironmentState.FAILING}


@dataclass(frozen=True, slots=True)
class WatchedPart:
    """A part as the last look found it, and what earlier looks found."""

    part: Part
    """If it runs undisturbed now: as the last look found it that had a reason, if there is one."""
    restarts: int | None
    """Restarts in all, as far as they are known."""
    recent: tuple[datetime, ...] = ()
    """For each restart within `WINDOW`, the time of the look that found it."""
    down_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What the looks at one deployment have found."""

    run: int
    """The run that deployed it."""
    seen_at: datetime
    steady_since: datetime
    """Since when no look has found anything wrong."""
    parts: Mapping[str, WatchedPart] = field(default_factory=dict)
    """By id, those that have disappeared included."""
    serves: bool = True
    """Whether a part that serves exists."""


def watched(environments: Iterable[Environment], unfinished: Iterable[Run]) -> tuple[Environment, ...]:
    """Return the environments to look at: not those that sleep, or that an unfinished run may change."""
    busy = {(run.repo, run.number) for run in unfinished}
    return tuple(
        one for one in environments if one.state in _WATCHED and (one.key.repo, one.key.number) not in busy
    )


def observe(before: Watch | None, environment: Environment, parts: Iterable[Part], now: datetime) -> Watch:
    """Join a look at an environment to those before it; they count only if they are recent."""
    if before is None or before.run != environment.run or before.seen_at < now - WINDOW:
        before = Watch(environment.run, now, now)
    there = {part.id: part for part in parts if part.run in {0, environment.run} or environment.adopted}
    names = {part.name for part in there.values()}
    lost = {id_: _lost(one.part) for id_, one in before.parts.items() if one.part.name not in names}
    found = {id_: _joined(before.parts.get(id_), part, now) for id_, part in (lost | there).items()}
    steady = not any(one.down_since or one.recent[-1:] == (now,) for one in found.values())
    return Watch(
        before.run,
        now,
        before.steady_since if steady else now,
        found,
        any(part.serves for part in there.values()),
    )


def judged(environment: Environment, watch: Watch, now: datetime) -> Environment:
    """Return the environment in the state that the looks at it show; unchanged if it is in that state."""
    if not watch.serves:
        return gone(environment, now)
    failing = environment.state is EnvironmentState.FAILING
    outage = next((found for one in watch.parts.values() if (found := _outage(one, now))), None)
    if outage is not None and not failing:
        return replace(environment, state=EnvironmentState.FAILING, outage=outage)
    if failing and outage is None and _recovered(environment, watch, now):
        return replace(environment, state=EnvironmentState.READY, outage=None)
    return environment


def gone(environment: Environment, now: datetime) -> Environment:
    """Return the environment as failed, because its runner has nothing of it."""
    outage = Outage(Reason.ENVIRONMENT_GONE, now) if environment.state.deployed else None
    return replace(environment, state=EnvironmentState.FAILED, endpoint=None, outage=outage)


def half_removed(environment: Environment, now: datetime) -> Environment:
    """Return a deployed environment as failed, because a removal that has begun was not finished.

    What only a job can remove stays as it is: the job's own end says what is left.
    """
    if not environment.state.deployed or environment.teardown.runner is not None:
        return environment
    outage = Outage(Reason.TEARDOWN_UNFINISHED, now)
    return replace(environment, state=EnvironmentState.FAILED, endpoint=None, outage=outage)


def part_at_fault(environment: Environment, watch: Watch) -> Part | None:
    """Return the part that the environment's outage is about; None if there is none."""
    name = environment.outage.part if environment.outage else ""
    return next((one.part for one in watch.parts.values() if one.part.name == name), None)


def _joined(before: WatchedPart | None, part: Part, now: datetime) -> WatchedPart:
    recent = [at for at in before.recent if at > now - WINDOW] if before else []
    recent += [now] * min(_new_restarts(before, part, now), COUNTED)
    down_since = (before and before.down_since) or now
    return WatchedPart(
        before.part if before and part.up and part.reason is None else part,
        before.restarts if before and part.restarts is None else part.restarts,
        tuple(recent),
        None if part.up else down_since,
    )


def _new_restarts(before: WatchedPart | None, part: Part, now: datetime) -> int:
    """Return how many restarts there were since the last look; if there was none, within `WINDOW`."""
    if part.restarts is None:
        return 0
    if before is None:
        young = part.made_at is not None and part.made_at > now - WINDOW
        return part.restarts if young else 0
    if before.restarts is None:
        # It ran undisturbed at the last look, which therefore did not tell how often it had been restarted.
        return min(part.restarts, 1)
    return max(0, part.restarts - before.restarts)


def _lost(part: Part) -> Part:
    reason = Reason.CONTAINER_STOPPED
    return replace(part, up=False, restarts=None, reason=reason, facts={"name": part.name}, output_of=())


def _outage(one: WatchedPart, now: datetime) -> Outage | None:
    part = one.part
    if part.reason is None:
        return None
    if len(one.recent) >= RESTARTS:
        facts = {"times": str(len(one.recent)), "seconds": f"{WINDOW.total_seconds():g}"}
    elif one.down_since is not None and one.down_since <= now - DOWN:
        facts = {"seconds": f"{DOWN.total_seconds():g}"}
    else:
        return None
    return Outage(part.reason, now, {**part.facts, **facts}, part.name)


def _recovered(environment: Environment, watch: Watch, now: datetime) -> bool:
    outage = environment.outage
    there = outage is None or any(one.part.name == outage.part for one in watch.parts.values())
    return there and watch.steady_since <= now - STEADY
