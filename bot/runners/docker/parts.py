"""Finds out how the containers of deployed environments are doing."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from bot.core import naming
from bot.core.naming import LABEL_INSTANCE
from bot.model.environment import EnvironmentKey
from bot.model.health import Part
from bot.model.inventory import Item, ItemKind
from bot.model.reason import Reason
from bot.runners.docker.container import ContainerKind
from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import TIMEOUT, DockerEngine, EngineRefused
from bot.runners.docker.health import last_check, memory_limit
from bot.runners.docker.inventory import container_item
from bot.runners.docker.labels import LABEL_ROLE, matching, of_environment
from bot.runners.docker.secret_files import HOLDER

REMEMBERED = 600
"""Seconds before the last start for which exits are looked up; the engine remembers its last 256 events."""
_YOUNG = re.compile(r"Up (?:Less than a|\d+) seconds?\b")
"""Status of a container that has run for less than a minute, so that an earlier look may not have seen it."""


class Parts:
    """The parts of the environments of one bot."""

    def __init__(self, engine: DockerEngine, containers: Containers, instance: str) -> None:
        self._engine = engine
        self._containers = containers
        self._instance = instance

    async def find(self, wanted: Mapping[str, str] | None = None) -> Mapping[EnvironmentKey, Sequence[Part]]:
        """Return all parts; see `Platform.parts`. Only containers that look unwell are asked about."""
        filters = matching(wanted or {LABEL_INSTANCE: self._instance})
        found: defaultdict[EnvironmentKey, list[Part]] = defaultdict(list)
        for listed in await self._engine.short(lambda api: api.containers(all=True, filters=filters)):
            item = container_item(listed)
            if item is not None and item.kind is ItemKind.CONTAINER and not _prepares(listed):
                found[item.key] += await self._part(item, listed)
        return found

    async def of(self, key: EnvironmentKey) -> Sequence[Part]:
        """Return the parts of one environment; see `Platform.parts_of`."""
        found = await self.find(of_environment(self._instance, key))
        return [part for part in found.get(key, ()) if not part.name.endswith(HOLDER)]

    async def output(self, part: Part, lines: int) -> str:
        """Return the last lines of a container's log, and of its health check; see `Platform.output`."""
        with suppress(EngineRefused):
            check = last_check(await self._containers.inspect(part.id))
            return "\n".join(filter(None, (await self._containers.tail(part.id, lines), check)))
        return ""

    async def _part(self, item: Item, listed: Mapping[str, Any]) -> list[Part]:
        name = naming.part(item.name, item.key, self._instance, item.run)
        serves = (listed.get("Labels") or {}).get(LABEL_ROLE) == ContainerKind.APP
        part = Part(
            item.id, name, up=True, serves=serves, made_at=item.made_at, run=item.run, store=item.store
        )
        if _undisturbed(listed):
            return [part]
        try:
            found = await self._containers.inspect(item.id)
            code = await self._last_exit(found)
        except EngineRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return []  # Removed in between.
        return [examined(part, found, code)]

    async def _last_exit(self, found: Mapping[str, Any]) -> str:
        """Return the exit code of an inspected container before its last restart; empty if forgotten."""
        if not found["State"]["Running"]:
            return str(found["State"]["ExitCode"])
        if not found["RestartCount"]:
            return ""
        wanted = json.dumps({"container": [found["Id"]], "event": ["die"]})
        params = {**before(found["State"]["StartedAt"]), "filters": wanted}
        async with self._engine.open("GET", "/events", params=params, seconds=TIMEOUT) as response:
            events = [event async for event in self._engine.messages(response)]
        return str(events[-1]["Actor"]["Attributes"].get("exitCode", "")) if events else ""


def before(started: str) -> Mapping[str, str]:
    """Return which events to ask for that came before a moment of the engine's clock.

    Not until now in whole seconds: a container that died in the same second would have no exit.
    """
    moment = datetime.fromisoformat(started).timestamp()
    return {"since": f"{moment - REMEMBERED:.6f}", "until": f"{moment:.6f}"}


def _prepares(listed: Mapping[str, Any]) -> bool:
    """Whether a listed container only prepares data, and is no part of what is deployed."""
    return (listed.get("Labels") or {}).get(LABEL_ROLE) == ContainerKind.SETUP


def _undisturbed(listed: Mapping[str, Any]) -> bool:
    """Whether an entry of the engine's list shows a container that has been running without trouble."""
    status = str(listed.get("Status"))
    return listed.get("State") == "running" and "(unhealthy)" not in status and not _YOUNG.match(status)


def examined(part: Part, found: Mapping[str, Any], code: str) -> Part:
    """Return a part as its inspected container is; `code` is that of its last exit, if it is known."""
    state, restarts = found["State"], int(found["RestartCount"])
    runs = state["Status"] == "running"
    unhealthy = runs and (state.get("Health") or {}).get("Status") == "unhealthy"
    reason, facts = None, {"name": part.name, "code": code}
    if unhealthy:
        reason = Reason.NO_LONGER_HEALTHY
    elif state.get("OOMKilled"):
        reason, facts = Reason.OUT_OF_MEMORY, {"name": part.name, "limit": memory_limit(found)}
    elif restarts:
        reason = Reason.CRASH_LOOP
    elif not runs:
        reason = Reason.CONTAINER_STOPPED
    return replace(part, up=runs and not unhealthy, restarts=restarts, reason=reason, facts=facts)
