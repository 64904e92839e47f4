"""Scales the workloads of a namespace to zero and back; an annotation on each stores its former scale."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.model.environment import Endpoint
from bot.runners.kubernetes.cluster import MERGE, Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.pure import scaling
from bot.runners.kubernetes.pure.entry_service import APP
from bot.runners.kubernetes.pure.manifests import CRON_JOB, STATEFUL_SET, ObjectKind
from bot.runners.kubernetes.readiness import ReadinessCheck, until_ready
from bot.runners.kubernetes.rollout_watcher import RolloutTarget, RolloutWatcher
from bot.runners.lines import LogWriter

WAKING_SECONDS = 180.0
"""Seconds that programs may take to be up again, without scheduling and pulling images."""
ANSWER_SECONDS = 60.0


class NullLog:
    """A log that discards everything: waking belongs to no run."""

    def write(self, text: str) -> None:
        """Discard output."""

    def note(self, text: str) -> None:
        """Discard a note."""

    def tail(self, lines: int = 40) -> str:
        """Return nothing."""
        del lines
        return ""


@dataclass(frozen=True, slots=True)
class Workloads:
    """The workloads of one namespace."""

    cluster: Cluster
    namespace: str

    async def scale_down(self, allowed: Callable[[], Awaitable[bool]]) -> None:
        """Scale everything to zero as it is now, if that is allowed after it was read.

        Raises ClusterUnavailable at a workload that has changed since: a replica that hung in between would
        scale down what its successor has deployed or woken.
        """
        found = await self._all()
        if not await allowed():
            return
        try:
            for kind, body in found:
                await self._patch(kind, body, scaling.scale_down(kind, body))
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
            raise ClusterUnavailable(f"{self.namespace} was changed while it was scaled down") from refused

    async def scale_up(self) -> None:
        """Scale everything back to what it was, without waiting until it runs."""
        for kind, body in await self._all():
            await self._patch(kind, body, scaling.scale_up(kind, body))

    async def remove_sleeping_sets(self) -> None:
        """Delete the StatefulSets that sleep; their volumes stay, unless a set's own policy deletes them.

        Their pods would wait for a Secret that is gone, and their controller replaces no pod that waits.
        """
        for body in await self.cluster.list(STATEFUL_SET.path(self.namespace)):
            if scaling.scale_up(STATEFUL_SET, body) is not None:
                metadata = body["metadata"]
                path = STATEFUL_SET.path(self.namespace, str(metadata["name"]))
                await self.cluster.delete(path, preconditions={"uid": metadata["uid"]})

    async def until_up(self, endpoint: Endpoint | None) -> None:
        """Wait until everything is up and the service answers. Raises TellUser with the reason if not."""
        running = [(kind, body) for kind, body in await self._all() if kind is not CRON_JOB]
        names = frozenset((kind.name, str(body["metadata"]["name"])) for kind, body in running)
        watcher = RolloutWatcher(self.cluster, self.namespace, LogWriter(NullLog()))
        await watcher.until_up(RolloutTarget(names, APP, WAKING_SECONDS))
        if endpoint is not None:
            base = f"http://{endpoint.host}:{endpoint.port}"
            await until_ready(ReadinessCheck(base, endpoint.host, None, ANSWER_SECONDS, direct=True))

    async def _all(self) -> list[tuple[ObjectKind, dict[str, Any]]]:
        each = await asyncio.gather(
            *(self.cluster.list(kind.path(self.namespace)) for kind in scaling.SCALED)
        )
        return [(kind, body) for kind, bodies in zip(scaling.SCALED, each, strict=True) for body in bodies]

    async def _patch(self, kind: ObjectKind, body: dict[str, Any], patch: dict[str, Any] | None) -> None:
        if patch is not None:
            path = kind.path(self.namespace, str(body["metadata"]["name"]))
            await self.cluster.call("PATCH", path, body=patch, content=MERGE)
