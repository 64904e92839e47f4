"""Writes DNS records to etcd for CoreDNS' etcd plugin, through etcd's JSON gateway.

https://coredns.io/plugins/etcd/ and https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/
"""

import json
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Self

import httpx

from bot.dns.corefile import TTL

LEASE = 3600
"""Seconds after which a record expires unless it is published again."""
BATCH_SIZE = 100
"""Changes in one transaction; etcd's default limit is 128."""


class EtcdRecords:
    """Implements `bot.ports.DnsRecords`: labels below one zone, all resolving to one address."""

    def __init__(
        self,
        url: str,
        *,
        zone: str,
        address: str,
        path: str = "/skydns",
        lease: int = LEASE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._zone = zone.strip(".").lower()
        self._path = path
        self._value = json.dumps({"host": address, "ttl": TTL})
        self._lease = lease
        self._client = httpx.AsyncClient(base_url=url, timeout=10.0, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def publish(self, labels: Collection[str]) -> str | None:
        """Write the records of these labels with a new lease; see `DnsRecords.publish`."""
        try:
            granted = await self._call("/v3/lease/grant", {"TTL": self._lease})
            value = {"value": _encoded(self._value), "lease": str(granted["ID"])}
            await self._commit({"requestPut": {"key": key, **value}} for key in map(self._key, labels))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            return f"etcd: {str(error) or type(error).__name__}"
        return None

    async def withdraw(self, labels: Collection[str]) -> str | None:
        """Delete the records of these labels; see `DnsRecords.withdraw`."""
        try:
            await self._commit({"requestDeleteRange": {"key": key}} for key in map(self._key, labels))
        except (httpx.HTTPError, ValueError) as error:
            return f"etcd: {str(error) or type(error).__name__}"
        return None

    def _key(self, label: str) -> str:
        return _encoded(key(self._path, f"{label}.{self._zone}"))

    async def _commit(self, changes: Iterable[Mapping[str, Any]]) -> None:
        for batch in _batches(changes):
            await self._call("/v3/kv/txn", {"success": batch})

    async def _call(self, path: str, body: Mapping[str, Any]) -> Any:
        response = await self._client.post(path, json=body)
        return response.raise_for_status().json()


def key(path: str, name: str) -> str:
    """Return the etcd key of a name, as SkyDNS defines it.

    >>> key("/skydns", "pr-12-shop.test.example.com")
    '/skydns/com/example/test/pr-12-shop'
    """
    return "/".join((path.rstrip("/"), *reversed(name.lower().split("."))))


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _batches(changes: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    rest = iter(changes)
    while batch := list(islice(rest, BATCH_SIZE)):
        yield batch
