"""A rollout is followed until it is up, or will not come up: then the reason is told with what shows it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.model.errors import TellUser
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure import cluster_labels, objects, rollout_status
from bot.runners.kubernetes.pure.manifests import DEPLOYMENT, EVENT, JOB, POD, REPLICA_SET, STATEFUL_SET, Kind
from bot.runners.kubernetes.pure.objects import NamespaceState
from bot.runners.kubernetes.pure.rollout_status import RolloutFailure
from bot.runners.lines import Lines, LogWriter

INTERVAL = 0.5
PATIENCE = 240.0
"""Seconds for finding a node and pulling images, before the service's own time begins to count."""
TRANSIENT_SECONDS = 60.0
"""Seconds in which a cluster may find, or make, a node with room, and mend what it mends by itself."""
TAIL = "40"
GONE_AFTER = 120.0
WORKLOADS = (DEPLOYMENT, STATEFUL_SET, JOB)


@dataclass(frozen=True, slots=True)
class RolloutTarget:
    """What has to come up, and how long its programs may take."""

    names: frozenset[tuple[str, str]]
    """Kind and name."""
    subject: str
    seconds: float
    hooks: frozenset[tuple[str, str]] = frozenset()
    """What may fail and come to an end, but need not stay."""


def now() -> float:
    """Return the time by which patience is measured."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class ConditionTimer:
    """For how long something has held without a break."""

    _since: float | None = None

    def seconds(self, *, holds: bool) -> float:
        """Note whether it holds now."""
        at = now()
        if not holds:
            self._since = None
        elif self._since is None:
            self._since = at
        return 0.0 if self._since is None else at - self._since


class RolloutWatcher:
    """Looks at one namespace."""

    def __init__(self, cluster: Cluster, namespace: str, writer: LogWriter) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._writer = writer
        self._told: set[str] = set()

    async def until_up(self, target: RolloutTarget) -> None:
        """Return when all is up; raises TellUser with the reason why it is not, its log the last output."""
        end = now() + PATIENCE + target.seconds
        running, doubted = ConditionTimer(), ConditionTimer()
        while True:
            state = await self._state(target)
            self._progress(state)
            there = len(state.workloads) == len(target.names)
            if there and all(map(rollout_status.finished, state.workloads)):
                return
            doubt = rollout_status.transient(state)
            lasts = doubted.seconds(holds=doubt is not None) > TRANSIENT_SECONDS
            if failure := rollout_status.fatal(state) or (doubt if lasts else None):
                raise await self._failed(failure)
            # Hooks run before there is anything to wait for.
            ran = running.seconds(holds=there and rollout_status.started(state))
            if ran > target.seconds or now() > end:
                raise await self._failed(rollout_status.explain(state, target.subject, target.seconds))
            await asyncio.sleep(INTERVAL)

    async def check(self, target: RolloutTarget) -> None:
        """Raise TellUser for what keeps it from coming up, should there be such a thing."""
        if failure := rollout_status.fatal(await self._state(target)):
            raise await self._failed(failure)

    async def until_empty(self) -> None:
        """Return when no pod of a deployment is left. Raises ClusterUnavailable if that takes too long."""

        async def empty() -> bool:
            pods = await self._list(POD)
            return not [pod for pod in pods if not _of_tests(pod)]

        try:
            await until(GONE_AFTER, empty)
        except TimeoutError:
            raise ClusterUnavailable(f"the former deployment still runs after {GONE_AFTER:g} s") from None

    async def _state(self, target: RolloutTarget) -> NamespaceState:
        """Look at everything once: owners before their pods, and pods before what is said of them.

        So nothing is older than what tells of it: the pod of a job that has failed is one that has ended.
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
        pods = [each for each in await self._list(POD) if _counts(each) and objects.owner(each) not in former]
        events = objects.events_about(await self._list(EVENT), (*workloads, *hooks, *sets, *pods))
        return NamespaceState(workloads=workloads, hooks=hooks, replica_sets=sets, pods=pods, events=events)

    async def _list(self, kind: Kind) -> list[dict[str, Any]]:
        return await self._cluster.list(kind.path(self._namespace))

    def _progress(self, state: NamespaceState) -> None:
        """Write once what happens to the pods, so that whoever waits sees why."""
        for event in state.events:
            kind, name = objects.about(event)
            line = f"{kind}/{name}: {' '.join(str(event.get('message')).split())}"
            if line not in self._told and kind in {"Pod", "ReplicaSet", "StatefulSet", "Job"}:
                self._told.add(line)
                self._writer.line(line)

    async def _failed(self, failure: RolloutFailure) -> TellUser:
        output = await self.output(failure.pod, failure.container, previous=failure.previous)
        self._writer.lines(output)
        return TellUser(failure.reason, failure.facts, log="\n".join(output))

    async def output(self, pod: str, container: str, *, previous: bool = False) -> list[str]:
        """Return the last lines of a container, those before its restart if asked for and kept."""
        if not pod:
            return []
        for before in (True, False) if previous else (False,):
            query = {"container": container, "tailLines": TAIL, "limitBytes": str(64 << 10)}
            query |= {"previous": "true"} if before else {}
            try:
                return await self._read(f"{POD.path(self._namespace, pod)}/log", query)
            except ClusterRefused:
                continue
        return []

    async def _read(self, path: str, query: Mapping[str, str]) -> list[str]:
        lines = Lines()
        found: list[str] = []
        async with self._cluster.stream(path, query) as chunks:
            async for chunk in chunks:
                found += lines.feed(chunk)
        return [*found, *lines.flush()]


def _counts(pod: Mapping[str, Any]) -> bool:
    """Leave out pods on their way out and those of tests."""
    return not pod["metadata"].get("deletionTimestamp") and not _of_tests(pod)


def _of_tests(pod: Mapping[str, Any]) -> bool:
    return bool((pod["metadata"].get("labels") or {}).get(cluster_labels.LABEL_ROLE) == "tests")
