"""The client of a cluster's API: JSON in and out, logs as streams.

Every failure becomes `ClusterUnavailable` (worth retrying) or `ClusterRefused` (the server rejected the
request; callers that know why raise a more precise error).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import yaml
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from bot.model.errors import GiveUp, RetryLater
from bot.model.reason import Reason
from bot.runners.kubernetes.pure.cluster_labels import MANAGER, selector
from bot.runners.kubernetes.pure.manifests import ObjectKind
from bot.runners.response_body import received

SECONDS = 30.0
"""Timeout of one request."""
PAGE = "500"
REOPEN_AFTER = 10.0
"""Least seconds between two reloads of the credentials."""
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """How to connect to a cluster: a kubeconfig, or else the credentials of the bot's own pod."""

    kubeconfig: Path | None = None
    context: str = ""


class ClusterUnavailable(RetryLater):
    """The cluster did not answer (`status` is 0), or answered 5xx or 429."""

    def __init__(self, message: str, status: int = 0) -> None:
        self.message = message
        self.status = status
        super().__init__(Reason.CLUSTER_UNAVAILABLE, {"message": message})


class ClusterRefused(GiveUp):
    """The cluster rejected a request with 4xx."""

    def __init__(self, message: str, status: int, reason: str = "") -> None:
        self.message = message
        self.status = status
        self.why = reason
        """The `reason` of the server's Status, such as `AlreadyExists`."""
        super().__init__(Reason.CLUSTER_REFUSED, {"message": message})


class Cluster:
    """A client of one cluster; it connects with the first request."""

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        self._connection: _Connection | None = None
        self._retired: _Connection | None = None
        self._reopened = float("-inf")
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections."""
        for connection in (self._connection, self._retired):
            if connection is not None:
                await connection.client.close()
        self._connection = self._retired = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def version(self) -> str:
        """Return the server's version, such as `v1.20.2`; also serves as a health check."""
        return str((await self.call("GET", "/version"))["gitVersion"])

    async def get(self, path: str) -> dict[str, Any] | None:
        """Return an object, or None if it does not exist."""
        try:
            return await self.call("GET", path)
        except ClusterRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def list(
        self, path: str, labels: Mapping[str, str] | None = None, fields: str = ""
    ) -> list[dict[str, Any]]:
        """Return all objects of a kind that carry these labels; none if the server does not know the kind."""
        query = {"limit": PAGE}
        query |= {"labelSelector": selector(labels)} if labels else {}
        query |= {"fieldSelector": fields} if fields else {}
        found: list[dict[str, Any]] = []
        while True:
            page = await self._page(path, query)
            found += page.get("items") or []
            query["continue"] = (page.get("metadata") or {}).get("continue", "")
            if not query["continue"]:
                return found

    async def _page(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        try:
            return await self.call("GET", path, query)
        except ClusterRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return {}
            raise

    async def apply(self, kind: ObjectKind, namespace: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Apply an object by server-side apply, taking over fields of other managers."""
        path = kind.path(namespace, str(body["metadata"]["name"]))
        return await self.apply_at(path, body)

    async def apply_at(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Apply an object by its path."""
        return await self.call("PATCH", path, {"fieldManager": MANAGER, "force": "true"}, body, APPLY)

    async def delete(
        self, path: str, *, grace: int | None = None, preconditions: Mapping[str, str] | None = None
    ) -> bool:
        """Request deletion of an object and its dependents; False if it does not exist or conflicts.

        `preconditions` are the `uid` and `resourceVersion` that it must still have.
        """
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        body |= {} if grace is None else {"gracePeriodSeconds": grace}
        body |= {} if preconditions is None else {"preconditions": dict(preconditions)}
        try:
            await self.call("DELETE", path, body=body)
        except ClusterRefused as refused:
            if refused.status in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                return False
            raise
        return True

    async def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
    ) -> dict[str, Any]:
        """Send a request and return the JSON of the response."""
        with _translated_errors():
            response = await self._send(_Request(method, path, query, body, content, SECONDS))
            data = await response.read()
        found = _json(data)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(response.status, found, data)
        return found

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the bytes of a response as they arrive, without a timeout; closed on exit."""
        with _translated_errors():
            response = await self._send(_Request("GET", path, query))
            try:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    data = await response.read()
                    raise _refusal(response.status, _json(data), data)
                yield received(response)
            finally:
                response.close()

    async def _send(self, request: "_Request") -> aiohttp.ClientResponse:
        connection = await self._opened()
        response = await connection.send(request)
        if response.status != HTTPStatus.UNAUTHORIZED or not self._may_reopen():
            return response
        # A kubeconfig may name a program or a file with expiring tokens: reload it once before giving up.
        response.close()
        await self._retire(connection)
        return await (await self._opened()).send(request)

    def _may_reopen(self) -> bool:
        return asyncio.get_running_loop().time() - self._reopened >= REOPEN_AFTER

    async def _retire(self, connection: "_Connection") -> None:
        """Stop using a connection, but keep it open for its current users; close the one retired before."""
        if self._connection is connection:
            self._reopened = asyncio.get_running_loop().time()
            before, self._retired, self._connection = self._retired, connection, None
            if before is not None:
                await before.client.close()

    async def _opened(self) -> "_Connection":
        async with self._opening:
            if self._connection is None:
                found = await _configuration(self._access)
                self._connection = _Connection(await asyncio.to_thread(RESTClientObject, found), found)
            return self._connection


@dataclass(frozen=True, slots=True)
class _Request:
    """One request; without `seconds` it has no timeout."""

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None
    content: str = "application/json"
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Connection:
    """The library's client and the configuration that it was built from."""

    client: RESTClientObject
    configuration: Configuration

    async def send(self, request: _Request) -> aiohttp.ClientResponse:
        """Send a request and return the response once its headers arrive."""
        headers = {"Accept": "application/json", "Content-Type": request.content}
        for setting in (await self.configuration.auth_settings()).values():
            headers[setting["key"]] = setting["value"]  # type: ignore[index] # typed as plain objects
        query = f"?{urlencode(request.query)}" if request.query else ""
        answered = await self.client.request(  # type: ignore[no-untyped-call] # the generated code has no types
            request.method,
            self.configuration.host + request.path + query,
            headers=headers,
            body=request.body,
            _request_timeout=aiohttp.ClientTimeout(total=request.seconds, sock_connect=10),
        )
        response: aiohttp.ClientResponse = answered.response
        return response


async def _configuration(access: ClusterAccess) -> Configuration:
    found = Configuration()
    found.retries = None
    try:
        if access.kubeconfig is None:
            load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call] # as above
        else:
            await load_kube_config(  # type: ignore[no-untyped-call] # as above
                config_file=str(access.kubeconfig),
                context=access.context or None,
                client_configuration=found,
                persist_config=False,
            )
    except (ConfigException, OSError, ValueError, yaml.YAMLError) as error:
        where = f"kubeconfig {access.kubeconfig}" if access.kubeconfig else "credentials of the pod"
        raise ClusterUnavailable(f"{where}: {error}") from error
    return found


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ClusterUnavailable(str(error) or type(error).__name__) from error


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, found: Mapping[str, Any], data: bytes) -> ClusterUnavailable | ClusterRefused:
    message = str(found.get("message") or data.decode("utf-8", "replace").strip() or status)[:500]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return ClusterUnavailable(message, status)
    return ClusterRefused(message, status, str(found.get("reason") or ""))
