"""A rollout is followed until it is up, or will not come up: then the reason is told with what shows it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core import cluster_labels, rollout
from bot.core.manifests import DEPLOYMENT, EVENT, JOB, POD, REPLICA_SET, STATEFUL_SET, Kind
from bot.core.rollout import Scene, Trouble
from bot.model.errors import TellUser
from bot.runners.kubernetes.cluster import Cluster, ClusterFault, ClusterRefused
from bot.runners.kubernetes.polling import until
from bot.runners.lines import Console, Lines

INTERVAL = 0.5
PATIENCE = 240.0
"""Seconds for finding a node and pulling images, before the service's own time begins to count."""
UNPLACED_AFTER = 60.0
"""Seconds in which a cluster may find, or make, a node with room."""
TAIL = "40"
GONE_AFTER = 120.0
WORKLOADS = (DEPLOYMENT, STATEFUL_SET, JOB)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What has to come up, and how long its programs may take."""

    names: frozenset[tuple[str, str]]
    """Kind and name."""
    subject: str
    seconds: float
    hooks: frozenset[tuple[str, str]] = frozenset()
    """What may fail and come to an end, but need not stay."""


class Watching:
    """Looks at one namespace."""

    def __init__(self, cluster: Cluster, namespace: str, console: Console) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._console = console
        self._told: set[str] = set()

    async def until_up(self, awaited: Awaited) -> None:
        """Return when all is up; raises TellUser with the reason why it is not, its log the last output."""
        loop = asyncio.get_running_loop()
        first, begun = loop.time(), None
        end = first + PATIENCE + awaited.seconds
        while True:
            scene = await self._scene(awaited)
            self._progress(scene)
            if len(scene.workloads) == len(awaited.names) and all(map(rollout.finished, scene.workloads)):
                return
            if trouble := rollout.fatal(scene):
                raise await self._failed(trouble)
            if loop.time() > first + UNPLACED_AFTER and (trouble := rollout.unplaced(scene)):
                raise await self._failed(trouble)
            if begun is None and rollout.started(scene):
                begun = loop.time()
            if loop.time() > min(end, begun + awaited.seconds if begun is not None else end):
                raise await self._failed(rollout.explain(scene, awaited.subject, awaited.seconds))
            await asyncio.sleep(INTERVAL)

    async def look_again(self, awaited: Awaited) -> None:
        """Raise TellUser for what keeps it from coming up, should there be such a thing."""
        if trouble := rollout.fatal(await self._scene(awaited)):
            raise await self._failed(trouble)

    async def until_empty(self) -> None:
        """Return when no pod of a deployment is left. Raises ClusterFault if that takes too long."""

        async def empty() -> bool:
            pods = await self._list(POD)
            return not [pod for pod in pods if not _of_tests(pod)]

        try:
            await until(GONE_AFTER, empty)
        except TimeoutError:
            raise ClusterFault(f"the former deployment still runs after {GONE_AFTER:g} s") from None

    async def _scene(self, awaited: Awaited) -> Scene:
        every = awaited.names | awaited.hooks
        kinds = [kind for kind in WORKLOADS if any(name == kind.name for name, _ in every)]
        found = await asyncio.gather(
            *(self._list(kind) for kind in (REPLICA_SET, POD, EVENT, *kinds)),
        )
        replica_sets, pods, events, *workloads = found
        there = {
            (kind.name, str(body["metadata"]["name"])): {**body, "kind": kind.name}
            for kind, bodies in zip(kinds, workloads, strict=True)
            for body in bodies
        }
        return Scene(
            workloads=[body for name, body in there.items() if name in awaited.names],
            hooks=[body for name, body in there.items() if name in awaited.hooks],
            replica_sets=[each for each in replica_sets if (each.get("spec") or {}).get("replicas")],
            pods=[each for each in pods if _counts(each)],
            events=_since_newest(events, replica_sets),
        )

    async def _list(self, kind: Kind) -> list[dict[str, Any]]:
        return await self._cluster.list(kind.path(self._namespace))

    def _progress(self, scene: Scene) -> None:
        """Write once what happens to the pods, so that whoever waits sees why."""
        for event in scene.events:
            about = event.get("involvedObject") or {}
            line = f"{about.get('kind')}/{about.get('name')}: {' '.join(str(event.get('message')).split())}"
            if line not in self._told and about.get("kind") in {"Pod", "ReplicaSet", "StatefulSet", "Job"}:
                self._told.add(line)
                self._console.line(line)

    async def _failed(self, trouble: Trouble) -> TellUser:
        output = await self.output(trouble.pod, trouble.container, previous=trouble.previous)
        self._console.lines(output)
        return TellUser(trouble.reason, trouble.facts, log="\n".join(output))

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


def _since_newest(
    events: Sequence[dict[str, Any]], replica_sets: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return events in their order without those of replica sets that have been scaled away."""
    live = {each["metadata"]["name"] for each in replica_sets if (each.get("spec") or {}).get("replicas")}
    gone = {each["metadata"]["name"] for each in replica_sets} - live
    kept = (each for each in events if not _about_any(each, gone))
    return sorted(kept, key=lambda each: str(each.get("lastTimestamp") or each.get("eventTime") or ""))


def _about_any(event: Mapping[str, Any], names: set[str]) -> bool:
    about = str((event.get("involvedObject") or {}).get("name", ""))
    return about in names or about.rpartition("-")[0] in names
