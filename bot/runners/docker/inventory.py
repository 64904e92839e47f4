"""Lists and removes what this bot has created in the engine, by label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from bot.core.environments import public
from bot.core.naming import (
    LABEL_DATA,
    LABEL_ENVIRONMENT,
    LABEL_EXPIRES,
    LABEL_HOST,
    LABEL_INSTANCE,
    LABEL_NUMBER,
    LABEL_PUBLIC,
    LABEL_REPO,
    LABEL_SHA,
    labeled_number,
)
from bot.core.reconciling.ownership import moment
from bot.core.runs.fencing import holder_of
from bot.model.forge import RepoPath
from bot.model.inventory import Item, ItemKind
from bot.runners.docker.container import ContainerKind
from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import DockerEngine, EngineRefused
from bot.runners.docker.images import Images
from bot.runners.docker.labels import LABEL_ROLE, matching
from bot.runners.docker.network import Networks
from bot.runners.docker.ownership import OwnerVolumes


async def remove_volume(engine: DockerEngine, name: str) -> bool:
    """Remove a volume; False if a container still has it."""
    try:
        await engine.short(lambda api: api.remove_volume(name))
    except EngineRefused as refused:
        if refused.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
            raise
        return refused.status == HTTPStatus.NOT_FOUND
    return True


class Inventory:
    """The items of one bot."""

    def __init__(
        self, engine: DockerEngine, instance: str, containers: Containers, networks: Networks, images: Images
    ) -> None:
        self._engine = engine
        self._wanted = matching({LABEL_INSTANCE: instance})
        self._containers = containers
        self._networks = networks
        self._images = images
        self.owners = OwnerVolumes(engine, instance)

    async def list(self) -> tuple[Item, ...]:
        """Return all items; see `Platform.inventory`."""
        wanted = self._wanted
        containers = await self._engine.short(lambda api: api.containers(all=True, filters=wanted))
        networks = await self._engine.short(lambda api: api.networks(filters=wanted))
        named = await self._engine.short(lambda api: api.images(filters=wanted | {"dangling": ["false"]}))
        nameless = await self._engine.short(lambda api: api.images(filters=wanted | {"dangling": ["true"]}))
        volumes = await self._engine.short(lambda api: api.volumes(filters=wanted))
        found = (
            *map(container_item, containers),
            *map(volume_item, volumes.get("Volumes") or ()),
            *map(network_item, networks),
            *(image_item(ItemKind.IMAGE, one) for one in named),
            *(image_item(ItemKind.LAYER, one) for one in nameless),
        )
        return await self.owners.applied(item for item in found if item is not None)

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Remove items; see `Platform.remove_items`."""
        return tuple([item for item in items if await self._remove(item)])

    async def _remove(self, item: Item) -> bool:
        match item.kind:
            case ItemKind.CONTAINER | ItemKind.TESTS:
                await self._containers.remove(item.id)
            case ItemKind.NETWORK:
                await self._networks.remove_one(item.id)
            case ItemKind.VOLUME:
                return await remove_volume(self._engine, item.id)
            case ItemKind.IMAGE | ItemKind.LAYER:
                return await self._images.remove_one(item.id)
            case ItemKind.NAMESPACE:
                return False
        return True


def container_item(found: Mapping[str, Any]) -> Item | None:
    """Read an entry of the engine's list of containers; None if its labels name no pull request."""
    role = (found.get("Labels") or {}).get(LABEL_ROLE)
    kind = ItemKind.TESTS if role == ContainerKind.TESTS else ItemKind.CONTAINER
    return _item(kind, found, _first(found.get("Names")).removeprefix("/"))


def network_item(found: Mapping[str, Any]) -> Item | None:
    """Read an entry of the engine's list of networks; None if its labels name no pull request.

    Only networks say under which name and until when a preview is there: a container also inherits the labels
    of its image, which a pull request may have written.
    """
    item = _item(ItemKind.NETWORK, found, str(found["Name"]))
    labels = found.get("Labels") or {}
    host, expires = labels.get(LABEL_HOST, ""), moment(labels.get(LABEL_EXPIRES, ""))
    services = public.read(labels.get(LABEL_PUBLIC, ""))
    return item and replace(item, host=host, expires=expires, public=services)


def volume_item(found: Mapping[str, Any]) -> Item | None:
    """Read an entry of the engine's list of volumes; None if it is not one with kept data."""
    name = str(found["Name"])
    item = _item(ItemKind.VOLUME, {**found, "Id": name, "Created": found.get("CreatedAt")}, name)
    return item and replace(item, keeps_data=LABEL_DATA in (found.get("Labels") or {}))


def image_item(kind: ItemKind, found: Mapping[str, Any]) -> Item | None:
    """Read an entry of the engine's list of images; None if its labels name no pull request.

    Labels and time can be hostile: an image that a pull request uses may have been built to look like one of
    the bot's.
    """
    return _item(kind, found, _first(found.get("RepoTags")) if kind is ItemKind.IMAGE else "")


def _item(kind: ItemKind, found: Mapping[str, Any], name: str) -> Item | None:
    """Read an entry of the engine's lists; None if its labels name no pull request."""
    labels: Mapping[str, str] = found.get("Labels") or {}
    number, holder = labeled_number(labels, LABEL_NUMBER), holder_of(labels)
    try:
        repo = RepoPath.parse(labels.get(LABEL_REPO, ""))
    except ValueError:
        return None
    if not number:
        return None
    return Item(
        kind=kind,
        id=str(found["Id"]),
        name=name or str(found["Id"]),
        repo=repo,
        number=number,
        environment=labels.get(LABEL_ENVIRONMENT, ""),
        run=holder.run,
        made_at=_created_at(found.get("Created")),
        attempt=holder.attempt,
        store=holder.store,
        sha=labels.get(LABEL_SHA, ""),
    )


def _first(names: Sequence[str] | None) -> str:
    return names[0] if names else ""


def _created_at(value: object) -> datetime | None:
    """Read a time of creation: seconds for containers and images, ISO 8601 for networks."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC)
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
