"""One internal network for each environment, with a small subnet from a configured range.

The engine's default pools are exhausted after about thirty networks.
"""

import hashlib
import ipaddress
import logging
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.core.environments import public
from bot.core.naming import LABEL_PUBLIC
from bot.model.egress import EgressRule
from bot.model.environment import Endpoint, PublicService
from bot.model.errors import RetryLater
from bot.model.holder import Holder
from bot.model.reason import Reason
from bot.runners.docker.egress import bridge_name as egress_bridge
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
from bot.runners.docker.labels import LABEL_RESOLVERS, Found, matching, parted

log = logging.getLogger(__name__)

Subnet = ipaddress.IPv4Network

PREFIX_LENGTH = 28
ATTEMPTS = 20
_TAKEN = re.compile(r"(?i)overlap|already exists|conflicts with|in use")


@dataclass(frozen=True, slots=True)
class Network:
    """The network of an environment, which reserves addresses for what the bot's proxy reaches."""

    id: str
    name: str
    subnet: Subnet
    resolvers: tuple[str, ...] = ()
    """DNS servers outside that its containers ask."""
    public: tuple[PublicService, ...] = ()
    """Public services of its environment."""

    @property
    def address(self) -> str:
        """The last address: the engine assigns from the first."""
        return str(self.subnet[-2])

    @property
    def services(self) -> dict[str, Endpoint]:
        """The addresses that are reserved for public services, with their ports, by name."""
        return {
            one.name: Endpoint(str(self.subnet[-3 - index]), one.port)
            for index, one in enumerate(self.public)
        }

    def endpoint(self, port: int) -> Endpoint:
        """Return where the environment answers whose service under test listens on this port."""
        return Endpoint(self.address, port, self.services)


def bridge_prefix(instance: str) -> str:
    """Return the prefix of the names of a bot's bridges; one firewall rule covers it."""
    return f"co{_digest(instance)[:5]}"


def bridge_name(instance: str, name: str) -> str:
    """Return the name of a bridge, for which Linux allows 15 characters."""
    return f"{bridge_prefix(instance)}{_digest(name)[:8]}"


def free_subnets(pool: Subnet, taken: Iterable[Subnet], seed: str) -> Iterator[Subnet]:
    """Yield the free subnets of a pool, from one that depends on `seed`: concurrent calls rarely collide."""
    used = [subnet for subnet in taken if subnet.overlaps(pool)]
    length = max(PREFIX_LENGTH, pool.prefixlen)
    count = 2 ** (length - pool.prefixlen)
    first = int(_digest(seed), 16) % count
    step = 2 ** (32 - length)
    for index in range(count):
        base = int(pool.network_address) + (first + index) % count * step
        subnet = Subnet((base, length))
        if not any(subnet.overlaps(other) for other in used):
            yield subnet


class Networks:
    """Creates, finds and removes the networks of one bot."""

    def __init__(self, engine: DockerEngine, instance: str, pool: str) -> None:
        self._engine = engine
        self._instance = instance
        self._pool = Subnet(pool)

    async def find(self, wanted: Mapping[str, str], names: Container[str]) -> Network | None:
        """Return the network with these labels and one of these names, if it exists."""
        found = map(_network, await self._list(matching(wanted)))
        return next((network for network in found if network and network.name in names), None)

    async def remove(
        self, wanted: Mapping[str, str], holder: Holder, spared: Holder | None = None
    ) -> list[Found]:
        """Disconnect every container from the networks with these labels, and remove them.

        Those that are newer than the holder stay, and are returned; those of the spared holder's run stay.
        """
        removable, newer = parted(await self._list(matching(wanted)), holder, spared)
        for network in removable:
            await self.remove_one(str(network["Id"]))
        return newer

    async def remove_one(self, network: str) -> None:
        """Remove one network by its id, if it exists."""
        await self._disconnect(network)
        await self._remove(network)

    async def create(self, name: str, labels: Mapping[str, str], egress: EgressRule | None = None) -> Network:
        """Create a network, with the way out that the firewall bounds.

        Raises RetryLater(ENGINE_UNAVAILABLE) if no subnet or the name is not free.
        """
        taken = {subnet for network in await self._list({}) for subnet in _subnets(network)}
        candidates = free_subnets(self._pool, taken, f"{self._instance}/{name}")
        for _, subnet in zip(range(ATTEMPTS), candidates, strict=False):
            body = self._body(name, subnet, labels, egress)
            try:
                made = await self._engine.short(lambda api, b=body: api.create_network(**b))  # type: ignore[misc]
                resolvers = egress.resolvers if egress else ()
                return Network(str(made["Id"]), name, subnet, resolvers, _public(labels))
            except (EngineRefused, EngineFault) as refused:
                if not _TAKEN.search(refused.message):
                    raise
                log.info("subnet %s is taken: %s", subnet, refused.message)
        message = f"no free subnet in {self._pool}"
        raise RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": message})

    def _body(
        self, name: str, subnet: Subnet, labels: Mapping[str, str], egress: EgressRule | None
    ) -> dict[str, Any]:
        bridge = egress_bridge(self._instance, egress, name) if egress else bridge_name(self._instance, name)
        return {
            "name": name,
            "driver": "bridge",
            "internal": egress is None,
            "check_duplicate": True,
            "ipam": {"Driver": "default", "Config": [{"Subnet": str(subnet)}]},
            "options": {"com.docker.network.bridge.name": bridge},
            "labels": {**labels, LABEL_RESOLVERS: ",".join(egress.resolvers)} if egress else dict(labels),
        }

    async def _list(self, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        return await self._engine.short(lambda api: api.networks(filters=dict(filters)))

    async def _disconnect(self, network: str) -> None:
        try:
            found = await self._engine.get(f"/networks/{network}")
            for container in found.get("Containers") or {}:
                await self._engine.short(
                    lambda api, c=container: api.disconnect_container_from_network(c, network, force=True)  # type: ignore[misc]
                )
        except EngineRefused as refused:
            log.info("network %s: %s", network, refused.message)

    async def _remove(self, network: str) -> None:
        try:
            await self._engine.short(lambda api: api.remove_network(network))
        except EngineRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise


def _network(found: Mapping[str, Any]) -> Network | None:
    subnet = next(iter(_subnets(found)), None)
    labels = found.get("Labels") or {}
    resolvers = tuple(filter(None, str(labels.get(LABEL_RESOLVERS) or "").split(",")))
    if subnet is None:
        return None
    return Network(str(found["Id"]), str(found["Name"]), subnet, resolvers, _public(labels))


def _public(labels: Mapping[str, str]) -> tuple[PublicService, ...]:
    return public.read(labels.get(LABEL_PUBLIC) or "")


def _subnets(network: Mapping[str, Any]) -> list[Subnet]:
    configured = (network.get("IPAM") or {}).get("Config") or []
    written = (str(one.get("Subnet", "")) for one in configured)
    return [Subnet(text, strict=False) for text in written if text and ":" not in text]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
