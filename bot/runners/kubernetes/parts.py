"""Finds out how the workloads of deployed environments are doing."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.model.environment import EnvironmentKey
from bot.model.health import Part
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.namespace import Namespaces
from bot.runners.kubernetes.pure import cluster_labels, workload_health
from bot.runners.kubernetes.pure.manifests import DEPLOYMENT, POD, STATEFUL_SET
from bot.runners.kubernetes.pure.objects import Object
from bot.runners.kubernetes.pure.slots import Slot
from bot.runners.kubernetes.rollout_watcher import RolloutWatcher
from bot.runners.kubernetes.workloads import NullLog
from bot.runners.lines import LogWriter

WORKLOADS = (DEPLOYMENT, STATEFUL_SET)


class Parts:
    """The parts of the environments of one bot."""

    def __init__(self, cluster: Cluster, namespaces: Namespaces, instance: str) -> None:
        self._cluster = cluster
        self._namespaces = namespaces
        self._instance = instance

    async def find(self) -> Mapping[EnvironmentKey, Sequence[Part]]:
        """Return all parts; see `Platform.parts`. Pods are listed only in namespaces that look unwell."""
        namespaces = await self._namespaces.all_of_instance()
        workloads: defaultdict[str, list[Object]] = defaultdict(list)
        for kind in WORKLOADS:
            mine = cluster_labels.of_instance(self._instance)
            for body in await self._cluster.list(kind.everywhere, mine):
                workloads[str(body["metadata"]["namespace"])].append({**body, "kind": kind.name})
        each = await asyncio.gather(*(self._parts(one.id, workloads[one.id]) for one in namespaces))
        found: defaultdict[EnvironmentKey, list[Part]] = defaultdict(list)
        for one, parts in zip(namespaces, each, strict=True):
            found[one.key] += [replace(part, run=one.run, store=one.store) for part in parts]
        return found

    async def of(self, key: EnvironmentKey) -> Sequence[Part]:
        """Return the parts of one environment; see `Platform.parts_of`."""
        each = await asyncio.gather(*(self._in(slot) for slot in await self._namespaces.of(key)))
        return [part for parts in each for part in parts]

    async def _in(self, slot: Slot) -> Sequence[Part]:
        namespace, holder = slot.name, slot.holder
        pods, *listed = await asyncio.gather(
            *(self._cluster.list(kind.path(namespace)) for kind in (POD, *WORKLOADS))
        )
        workloads = [
            {**body, "kind": kind.name}
            for kind, bodies in zip(WORKLOADS, listed, strict=True)
            for body in bodies
        ]
        parts = (workload_health.part_with_output(each, pods) for each in workloads)
        return [replace(part, run=holder.run, store=holder.store) for part in parts]

    async def output(self, part: Part, lines: int) -> str:
        """Return the last lines of a part's output; see `Platform.output`."""
        if not part.output_of:
            return ""
        namespace, pod, container, previous = part.output_of
        watcher = RolloutWatcher(self._cluster, namespace, LogWriter(NullLog()))
        return "\n".join(await watcher.output(pod, container, previous=bool(previous), lines=lines))

    async def _parts(self, namespace: str, workloads: Sequence[Object]) -> Sequence[Part]:
        pods: Sequence[Object] = ()
        if not all(map(workload_health.is_up, workloads)):
            pods = await self._cluster.list(POD.path(namespace))
        return [workload_health.part(workload, pods) for workload in workloads]
