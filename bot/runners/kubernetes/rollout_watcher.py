"""Watches a rollout until it is up or has failed, and reports the reason with the output that shows it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.model.errors import TellUser
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure import cluster_labels, objects, rollout_status
from bot.runners.kubernetes.pure.manifests import (
    DEPLOYMENT,
    EVENT,
    JOB,
    POD,
    REPLICA_SET,
    STATEFUL_SET,
    ObjectKind,
)
from bot.runners.kubernetes.pure.objects import NamespaceState
from bot.runners.kubernetes.pure.rollout_status import RolloutFailure
from bot.runners.lines import Lines, LogWriter

INTERVAL = 0.5
STARTUP_SECONDS = 240.0
"""Seconds for scheduling and pulling images, before the service's own timeout begins."""
TRANSIENT_SECONDS = 60.0
"""How long a failure may last that a cluster can solve by itself, such as adding a node."""
TAIL = 40
LARGEST = 1 << 20
"""Bytes of output that are read of a container. The cluster leaves out the newest beyond them."""
LOG_GONE = ("failed to try resolving symlinks in path ", "unable to retrieve container logs for ")
"""How a kubelet answers, as if it were output, once it has removed the log or the earlier container."""
GONE_AFTER = 120.0
WORKLOADS = (DEPLOYMENT, STATEFUL_SET, JOB)


@dataclass(frozen=True, slots=True)
class RolloutTarget:
    """The workloads that must come up, and the seconds that their programs may take."""

    names: frozenset[tuple[str, str]]
    """Kind and name."""
    subject: str
    seconds: float
    hooks: frozenset[tuple[str, str]] = frozenset()
    """Kind and name of hooks: they must not fail, but need not stay."""


def now() -> float:
    """Return the time by which timeouts are measured."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class ConditionTimer:
    """Measures for how long a condition has held without interruption."""

    _since: float | None = None

    def seconds(self, *, holds: bool) -> float:
        """Record whether the condition holds now; return for how long it has."""
        at = now()
        if not holds:
            self._since = None
        elif self._since is None:
            self._since = at
        return 0.0 if self._since is None else at - self._since


class RolloutWatcher:
    """Watches one namespace."""

    def __init__(self, cluster: Cluster, namespace: str, writer: LogWriter) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._writer = writer
        self._reported: set[str] = set()

    async def until_up(self, target: RolloutTarget) -> None:
        """Wait until everything is up. Raises TellUser with the reason why it is not, and the last output."""
        end = now() + STARTUP_SECONDS + target.seconds
        running_timer, transient_timer = ConditionTimer(), ConditionTimer()
        while True:
            state = await self._state(target)
            self._progress(state)
            there = len(state.workloads) == len(target.names)
            if there and all(map(rollout_status.finished, state.workloads)):
                return
            transient = rollout_status.transient(state)
            lasts = transient_timer.seconds(holds=transient is not None) > TRANSIENT_SECONDS
            if failure := rollout_status.fatal(state) or (transient if lasts else None):
                raise await self._failed(failure)
            # Hooks run before the workloads exist.
            ran = running_timer.seconds(holds=there and rollout_status.started(state))
            if ran > target.seconds or now() > end:
                raise await self._failed(rollout_status.explain(state, target.subject, target.seconds))
            await asyncio.sleep(INTERVAL)

    async def check(self, target: RolloutTarget) -> None:
        """Raise TellUser if something keeps the rollout from coming up."""
        if failure := rollout_status.fatal(await self._state(target)):
            raise await self._failed(failure)

    async def until_empty(self) -> None:
        """Wait until no pod of a deployment is left. Raises ClusterUnavailable if that takes too long."""

        async def empty() -> bool:
            pods = await self._list(POD)
            return not [pod for pod in pods if not _of_job_run(pod)]

        try:
            await until(GONE_AFTER, empty)
        except TimeoutError:
            raise ClusterUnavailable(f"the previous deployment still runs after {GONE_AFTER:g} s") from None

    async def _state(self, target: RolloutTarget) -> NamespaceState:
        """List everything once: owners before their pods, and pods before their events.

        So nothing is older than what refers to it: if a Job has failed, its pod is seen as ended.
        """
        every = target.names | target.hooks
        kinds = [kind for kind in WORKLOADS if any(name == kind.name for name, _ in every)]
        owners = await asyncio.gather(*map(self._list, kinds))
        there = {
            (kind.name, str(body["metadata"]["name"])): {**body, "kind": kind.name}
            for kind, bodies in zip(kinds, owners, strict=True)
            for body in bodies
        }
        workloads = [body for name, body in there.items() if name in target.names]
        hooks = [body for name, body in there.items() if name in target.hooks]
        sets = await self._list(REPLICA_SET)
        former = objects.former(sets, [body for body in workloads if body["kind"] == DEPLOYMENT.name])
        former |= {each["metadata"]["uid"] for each in sets if not each["spec"].get("replicas")}
        sets = [each for each in sets if each["metadata"]["uid"] not in former]
        pods = [
            each for each in await self._list(POD) if _belongs(each) and objects.owner(each) not in former
        ]
        events = objects.events_about(await self._list(EVENT), (*workloads, *hooks, *sets, *pods))
        return NamespaceState(workloads=workloads, hooks=hooks, replica_sets=sets, pods=pods, events=events)

    async def _list(self, kind: ObjectKind) -> list[dict[str, Any]]:
        return await self._cluster.list(kind.path(self._namespace))

    def _progress(self, state: NamespaceState) -> None:
        """Write each new event of pods and their owners to the log, so that people see the progress."""
        for event in state.events:
            kind, name = objects.about(event)
            line = f"{kind}/{name}: {' '.join(str(event.get('message')).split())}"
            if line not in self._reported and kind in {"Pod", "ReplicaSet", "StatefulSet", "Job"}:
                self._reported.add(line)
                self._writer.line(line)

    async def _failed(self, failure: RolloutFailure) -> TellUser:
        output = await self.output(failure.pod, failure.container, previous=failure.previous)
        self._writer.lines(output)
        return TellUser(failure.reason, failure.facts, log="\n".join(output))

    async def output(
        self, pod: str, container: str, *, previous: bool = False, lines: int = TAIL
    ) -> list[str]:
        """Return the last lines of a container; with `previous`, those before its restart if available."""
        if not pod:
            return []
        for before in (True, False) if previous else (False,):
            query = {"container": container, "tailLines": str(lines), "limitBytes": str(LARGEST)}
            query |= {"previous": "true"} if before else {}
            try:
                found = await self._read(f"{POD.path(self._namespace, pod)}/log", query)
            except ClusterRefused:
                continue
            if not "".join(found[:1]).startswith(LOG_GONE):
                return found
        return []

    async def _read(self, path: str, query: Mapping[str, str]) -> list[str]:
        lines = Lines()
        found: list[str] = []
        async with self._cluster.stream(path, query) as chunks:
            async for chunk in chunks:
                found += lines.feed(chunk)
        return [*found, *lines.flush()]


def _belongs(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod belongs to the rollout: it is not terminating, and not one of a suite or setup."""
    return not pod["metadata"].get("deletionTimestamp") and not _of_job_run(pod)


def _of_job_run(pod: Mapping[str, Any]) -> bool:
    """Return whether a pod is one of a suite, or of a command that an earlier attempt has left."""
    return (pod["metadata"].get("labels") or {}).get(cluster_labels.LABEL_ROLE) in {"setup", "tests"}
