"""Workloads of one namespace scaled to nothing, and back to what they were; each remembers that itself."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bot.model.environment import Endpoint
from bot.runners.kubernetes.cluster import MERGE, Cluster
from bot.runners.kubernetes.pure import scaling
from bot.runners.kubernetes.pure.entry_service import APP
from bot.runners.kubernetes.pure.manifests import CRON_JOB, Kind
from bot.runners.kubernetes.readiness import ReadinessCheck, until_ready
from bot.runners.kubernetes.rollout_watcher import RolloutTarget, RolloutWatcher
from bot.runners.lines import LogWriter

WAKING_SECONDS = 180.0
"""How long programs may take to be up again, finding a node and pulling images not counted."""
ANSWER_SECONDS = 60.0


class NullLog:
    """A log of what nobody follows: waking belongs to no run."""

    def write(self, text: str) -> None:
        """Drop output."""

    def note(self, text: str) -> None:
        """Drop a line of the bot's own."""

    def tail(self, lines: int = 40) -> str:
        """Return nothing."""
        del lines
        return ""


@dataclass(frozen=True, slots=True)
class Workloads:
    """What runs in a namespace."""

    cluster: Cluster
    namespace: str

    async def scale_down(self) -> None:
        """Let nothing run."""
        for kind, body in await self._all():
            await self._patch(kind, body, scaling.scale_down(kind, body))

    async def scale_up(self) -> None:
        """Let everything run that did before, without waiting until it does."""
        for kind, body in await self._all():
            await self._patch(kind, body, scaling.scale_up(kind, body))

    async def until_up(self, endpoint: Endpoint | None) -> None:
        """Return when all is up and the service answers; raises TellUser with the reason why it does not."""
        running = [(kind, body) for kind, body in await self._all() if kind is not CRON_JOB]
        names = frozenset((kind.name, str(body["metadata"]["name"])) for kind, body in running)
        watcher = RolloutWatcher(self.cluster, self.namespace, LogWriter(NullLog()))
        await watcher.until_up(RolloutTarget(names, APP, WAKING_SECONDS))
        if endpoint is not None:
            base = f"http://{endpoint.host}:{endpoint.port}"
            await until_ready(ReadinessCheck(base, endpoint.host, None, ANSWER_SECONDS, direct=True))

    async def _all(self) -> list[tuple[Kind, dict[str, Any]]]:
        each = await asyncio.gather(
            *(self.cluster.list(kind.path(self.namespace)) for kind in scaling.SCALED)
        )
        return [(kind, body) for kind, bodies in zip(scaling.SCALED, each, strict=True) for body in bodies]

    async def _patch(self, kind: Kind, body: dict[str, Any], patch: dict[str, Any] | None) -> None:
        if patch is not None:
            path = kind.path(self.namespace, str(body["metadata"]["name"]))
            await self.cluster.call("PATCH", path, body=patch, content=MERGE)
