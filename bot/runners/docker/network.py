"""One closed network per environment, each with a small subnet of its own out of a configured pool.

The engine's default pools would be empty after some thirty of them.
"""

import hashlib
import ipaddress
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.model.environment import EnvironmentKey
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
from bot.runners.docker.labels import matching, of_environment

log = logging.getLogger(__name__)

Subnet = ipaddress.IPv4Network

PREFIX_LENGTH = 28
ATTEMPTS = 20
_TAKEN = re.compile(r"(?i)overlap|already exists|conflicts with|in use")


@dataclass(frozen=True, slots=True)
class Network:
    """An environment's network; `address` is the one kept for the service under test."""

    id: str
    name: str
    subnet: Subnet

    @property
    def address(self) -> str:
        """The last one: the engine gives out the first ones to whoever comes."""
        return str(self.subnet[-2])


def bridge_prefix(instance: str) -> str:
    """Return how the names of a bot's bridges begin, for one firewall rule over all of them."""
    return f"co{_digest(instance)[:5]}"


def bridge_name(instance: str, name: str) -> str:
    """Return a bridge's name: Linux allows 15 characters."""
    return f"{bridge_prefix(instance)}{_digest(name)[:8]}"


def free_subnets(pool: Subnet, taken: Iterable[Subnet], seed: str) -> Iterator[Subnet]:
    """Give the pool's free subnets, beginning at a place of `seed`'s own so that two at once seldom meet."""
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
    """Makes, finds and removes the networks of one bot."""

    def __init__(self, engine: DockerEngine, instance: str, pool: str) -> None:
        self._engine = engine
        self._instance = instance
        self._pool = Subnet(pool)

    async def find(self, key: EnvironmentKey) -> Network | None:
        """Return an environment's network if there is one."""
        found = await self._list(matching(of_environment(self._instance, key)))
        return next((network for network in map(_network, found) if network), None)

    async def ensure(self, key: EnvironmentKey, name: str) -> Network:
        """Return an environment's network, made if there is none.

        Raises RetryLater(ENGINE_UNAVAILABLE) when the pool is used up.
        """
        return await self.find(key) or await self._create(key, name)

    async def remove(self, wanted: Mapping[str, str]) -> None:
        """Remove every network with these labels, whatever is still connected to it."""
        for network in await self._list(matching(wanted)):
            await self.remove_one(str(network["Id"]))

    async def remove_one(self, network: str) -> None:
        """Remove one network by its id; none is fine."""
        await self._disconnect(network)
        await self._remove(network)

    async def _create(self, key: EnvironmentKey, name: str) -> Network:
        taken = {subnet for network in await self._list({}) for subnet in _subnets(network)}
        candidates = free_subnets(self._pool, taken, f"{self._instance}/{name}")
        for _, subnet in zip(range(ATTEMPTS), candidates, strict=False):
            body = self._body(key, name, subnet)
            try:
                made = await self._engine.short(lambda api, b=body: api.create_network(**b))  # type: ignore[misc]
                return Network(str(made["Id"]), name, subnet)
            except (EngineRefused, EngineFault) as refused:
                if not _TAKEN.search(refused.message):
                    raise
                log.info("subnet %s is taken: %s", subnet, refused.message)
        message = f"no free subnet in {self._pool}"
        raise RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": message})

    def _body(self, key: EnvironmentKey, name: str, subnet: Subnet) -> dict[str, Any]:
        return {
            "name": name,
            "driver": "bridge",
            "internal": True,
            "check_duplicate": True,
            "ipam": {"Driver": "default", "Config": [{"Subnet": str(subnet)}]},
            "options": {"com.docker.network.bridge.name": bridge_name(self._instance, name)},
            "labels": of_environment(self._instance, key),
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
    return Network(str(found["Id"]), str(found["Name"]), subnet) if subnet else None


def _subnets(network: Mapping[str, Any]) -> list[Subnet]:
    configured = (network.get("IPAM") or {}).get("Config") or []
    written = (str(one.get("Subnet", "")) for one in configured)
    return [Subnet(text, strict=False) for text in written if text and ":" not in text]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
