"""Says in the engine which bot owns what, for other bots with the same instance to read.

Labels cannot be changed after a container or a network was created. So a small object says it for all that
one store's bot has created: an empty volume, which needs no image, no process and no network, has labels, and
outlives a restart of the engine. A new one replaces it each time.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from bot.core.naming import LABEL_INSTANCE, LABEL_OWNED_BY, LABEL_OWNED_UNTIL, LABEL_STORE, PREFIX
from bot.core.reconciling.ownership import moment
from bot.model.inventory import Item
from bot.runners.docker.engine import DockerEngine, EngineRefused
from bot.runners.docker.labels import matching

KEPT = timedelta(days=1)
"""How long the volumes of bots that are gone are kept after they ended."""


@dataclass(frozen=True, slots=True)
class _Owner:
    """A volume: whose bot owns what another, or the same, store's bot has created."""

    volume: str
    store: str
    owned_by: str
    until: datetime


class OwnerVolumes:
    """The volumes of all bots with one instance."""

    def __init__(self, engine: DockerEngine, instance: str) -> None:
        self._engine = engine
        self._instance = instance

    async def applied(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """Return the items with their owners."""
        latest = {one.store: one for one in sorted(await self._list(), key=lambda one: one.until)}
        return tuple(
            replace(item, owned_by=owner.owned_by, owned_until=owner.until)
            if (owner := latest.get(item.store))
            else item
            for item in items
        )

    async def renew(self, stores: Iterable[str], owner: str, until: datetime) -> None:
        """Say that a bot owns what the bots of these stores have created."""
        chosen = frozenset(stores)
        for store in chosen:
            labels = {
                LABEL_INSTANCE: self._instance,
                LABEL_STORE: store,
                LABEL_OWNED_BY: owner,
                LABEL_OWNED_UNTIL: until.isoformat(timespec="seconds"),
            }
            name = f"{PREFIX}-owner-{hashlib.sha256(repr(labels).encode()).hexdigest()[:12]}"
            await self._engine.short(lambda api, n=name, found=labels: api.create_volume(n, labels=found))  # type: ignore[misc]
        newest = until.replace(microsecond=0)
        for one in await self._list():
            if one.until < (newest if one.store in chosen else newest - KEPT):
                await self._remove(one.volume)

    async def remove_all(self) -> None:
        """Remove the volumes of all bots with the instance."""
        for one in await self._list():
            await self._remove(one.volume)

    async def _list(self) -> list[_Owner]:
        filters = matching({LABEL_INSTANCE: self._instance})
        found = await self._engine.short(lambda api: api.volumes(filters=filters))
        return [owner for one in found.get("Volumes") or () if (owner := _owner(one)) is not None]

    async def _remove(self, volume: str) -> None:
        try:
            await self._engine.short(lambda api: api.remove_volume(volume))
        except EngineRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise


def _owner(found: Mapping[str, Any]) -> _Owner | None:
    labels: Mapping[str, str] = found.get("Labels") or {}
    until = moment(labels.get(LABEL_OWNED_UNTIL, ""))
    if until is None:
        return None
    return _Owner(str(found["Name"]), labels.get(LABEL_STORE, ""), labels.get(LABEL_OWNED_BY, ""), until)
