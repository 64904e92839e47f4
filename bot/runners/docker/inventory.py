"""Everything in the engine that carries this bot's label, as values, whichever of its runs made it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.core.naming import LABEL_ENVIRONMENT, LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO, LABEL_RUN
from bot.model.forge import RepoPath
from bot.model.inventory import Item, ItemKind
from bot.runners.docker.container import Kind
from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.images import Images
from bot.runners.docker.labels import LABEL_ROLE, matching
from bot.runners.docker.network import Networks


class Inventory:
    """Takes stock of one bot's things, and removes single ones."""

    def __init__(
        self, engine: DockerEngine, instance: str, containers: Containers, networks: Networks, images: Images
    ) -> None:
        self._engine = engine
        self._wanted = matching({LABEL_INSTANCE: instance})
        self._containers = containers
        self._networks = networks
        self._images = images

    async def take(self) -> tuple[Item, ...]:
        """Return everything; see `Platform.inventory`."""
        wanted = self._wanted
        containers = await self._engine.short(lambda api: api.containers(all=True, filters=wanted))
        networks = await self._engine.short(lambda api: api.networks(filters=wanted))
        named = await self._engine.short(lambda api: api.images(filters=wanted | {"dangling": ["false"]}))
        nameless = await self._engine.short(lambda api: api.images(filters=wanted | {"dangling": ["true"]}))
        found = (
            *map(_container, containers),
            *(_item(ItemKind.NETWORK, one, str(one["Name"])) for one in networks),
            *(_item(ItemKind.IMAGE, one, _first(one.get("RepoTags"))) for one in named),
            *(_item(ItemKind.LAYER, one, "") for one in nameless),
        )
        return tuple(item for item in found if item is not None)

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Remove these; see `Platform.remove_items`."""
        return tuple([item for item in items if await self._remove(item)])

    async def _remove(self, item: Item) -> bool:
        match item.kind:
            case ItemKind.CONTAINER | ItemKind.TESTS:
                await self._containers.remove(item.id)
            case ItemKind.NETWORK:
                await self._networks.remove_one(item.id)
            case ItemKind.IMAGE | ItemKind.LAYER:
                return await self._images.remove_one(item.id)
            case ItemKind.NAMESPACE:
                return False
        return True


def _container(found: Mapping[str, Any]) -> Item | None:
    role = (found.get("Labels") or {}).get(LABEL_ROLE)
    kind = ItemKind.TESTS if role == Kind.TESTS else ItemKind.CONTAINER
    return _item(kind, found, _first(found.get("Names")).removeprefix("/"))


def _item(kind: ItemKind, found: Mapping[str, Any], name: str) -> Item | None:
    """Read what the engine lists; None if it does not say of which pull request it is."""
    labels: Mapping[str, str] = found.get("Labels") or {}
    number, run = labels.get(LABEL_NUMBER, ""), labels.get(LABEL_RUN, "")
    try:
        repo = RepoPath.parse(labels.get(LABEL_REPO, ""))
    except ValueError:
        return None
    if not number.isdecimal():
        return None
    return Item(
        kind=kind,
        id=str(found["Id"]),
        name=name or str(found["Id"]),
        repo=repo,
        number=int(number),
        environment=labels.get(LABEL_ENVIRONMENT, ""),
        run=int(run) if run.isdecimal() else 0,
        made_at=_moment(found.get("Created")),
    )


def _first(names: Sequence[str] | None) -> str:
    return names[0] if names else ""


def _moment(told: object) -> datetime | None:
    """Read when something was made: containers and images count seconds, networks write a time."""
    if isinstance(told, int):
        return datetime.fromtimestamp(told, UTC)
    try:
        return datetime.fromisoformat(str(told)).astimezone(UTC)
    except ValueError:
        return None
