"""When an environment sleeps, and how it wakes: what is decided, apart from what a cluster does.

An environment can sleep whose visitors come through the bot's proxy: nobody else could wake it for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.core import naming
from bot.core.manifests import CRON_JOB, DEPLOYMENT, STATEFUL_SET, Kind
from bot.model.environment import Environment, EnvironmentState
from bot.model.run import Run

SCALED = (DEPLOYMENT, STATEFUL_SET, CRON_JOB)
"""What makes pods for as long as it is there."""
ANNOTATION = f"{naming.PREFIX}.awake"
"""Keeps what a workload was before it slept: how many replicas, or that it was not suspended."""


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
        and one.sleeper is not None
        and used_at(one) <= now - after
        and (one.key.repo, one.key.number) not in busy
    )


def asleep(environment: Environment) -> Environment:
    """Return it as it is kept while it sleeps."""
    return replace(environment, state=EnvironmentState.ASLEEP)


def roused(environment: Environment, at: datetime) -> Environment:
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


def lulling(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the patch that puts a workload to sleep; None if it sleeps, or would run nothing anyway."""
    spec = body.get("spec") or {}
    if kind is CRON_JOB:
        return None if spec.get("suspend") else _patch("true", {"suspend": True})
    replicas = int(spec.get("replicas", 1))
    return _patch(str(replicas), {"replicas": 0}) if replicas else None


def rousing(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the patch that makes a workload what it was before it slept; None if it did not sleep."""
    kept = str((body["metadata"].get("annotations") or {}).get(ANNOTATION, ""))
    if not kept:
        return None
    if kind is CRON_JOB:
        return _patch(None, {"suspend": False})
    return _patch(None, {"replicas": int(kept) if kept.isdecimal() else 1})


def _patch(kept: str | None, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": {"annotations": {ANNOTATION: kept}}, "spec": dict(spec)}
