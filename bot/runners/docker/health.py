"""Waits until a started container is ready; fails at once if it has exited."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from yarl import URL

from bot.model.errors import ChatOpsError, TellUser
from bot.model.reason import Reason
from bot.runners.docker.containers import Containers
from bot.runners.docker.disk_usage import DiskUsage
from bot.runners.docker.engine import EngineFault, EngineRefused
from bot.runners.lines import clean
from bot.words import quantities

INTERVAL = 0.075
"""Seconds between two checks."""
REMEMBERED = 20
KILLED = 137
"""Exit code of a killed container."""
NOT_STARTED = "127"
"""A shell's exit code for a command that cannot be run."""
_IMAGE_FAULT = re.compile(
    r"(?i)unable to find (?:user|group)|executable file not found|no such file or directory|permission denied"
    r"|not a directory|exec format error|no command specified|OCI runtime create failed"
)

PROBE = 5.0
"""Seconds that one probe may take."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What makes a container ready.

    It answers at `path`; without one, its HEALTHCHECK decides; without that, it answers by HTTP at all, or
    only accepts connections.
    """

    port: int | None
    """None for a container that serves nothing: it must only run."""
    path: str | None = None
    http: bool = False


class Health:
    """Checks containers by HTTP, their image's HEALTHCHECK or an open port."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    async def wait(self, container: str, name: str, wanted: Readiness, seconds: float) -> None:
        """Return when a container is ready.

        Raises TellUser(CONTAINER_EXITED | OUT_OF_MEMORY | UNHEALTHY | NO_HTTP) with the output of the last
        check as its log.
        """
        try:
            async with asyncio.timeout(seconds):
                while not await self._ready(container, name, wanted):  # noqa: ASYNC110 - the engine has no event for it
                    await asyncio.sleep(INTERVAL)
        except TimeoutError:
            found = await self._containers.inspect(container)
            raise await _unready(found, name, wanted, f"{seconds:g}") from None

    async def _ready(self, container: str, name: str, wanted: Readiness) -> bool:
        found = await self._containers.inspect(container)
        if not found["State"]["Running"]:
            raise ended(found, name)
        if wanted.port is not None and wanted.path is not None:
            return await answers(address(found), wanted.port, wanted.path)
        if (health := _own_health(found)) != "none":
            return health == "healthy"
        if wanted.port is None:
            return True
        if wanted.http:
            return await answers(address(found), wanted.port)
        return await is_open(address(found), wanted.port)


async def _unready(found: Mapping[str, Any], name: str, wanted: Readiness, seconds: str) -> TellUser:
    """Return the error for a container that was not ready in time."""
    facts = {"name": name, "seconds": seconds}
    asked = wanted.http and wanted.path is None and _own_health(found) == "none"
    if asked and wanted.port is not None and await is_open(address(found), wanted.port):
        return TellUser(Reason.NO_HTTP, {**facts, "port": str(wanted.port)})
    return TellUser(Reason.UNHEALTHY, facts, log=last_check(found))


def _own_health(found: Mapping[str, Any]) -> str:
    """Return the state of an inspected container's HEALTHCHECK, `none` if it has none."""
    return str((found["State"].get("Health") or {}).get("Status", "none"))


def ended(found: Mapping[str, Any], name: str) -> ChatOpsError:
    """Return the error for a container that has exited."""
    state = found["State"]
    if state.get("OOMKilled"):
        return TellUser(Reason.OUT_OF_MEMORY, {"name": name, "limit": memory_limit(found)})
    return TellUser(Reason.CONTAINER_EXITED, {"name": name, "code": str(state["ExitCode"])})


def memory_limit(found: Mapping[str, Any]) -> str:
    """Return the memory limit of an inspected container, for people."""
    return f"{found['HostConfig']['Memory'] // 2**20}m"


@dataclass(frozen=True, slots=True)
class OverDisk:
    """Distinguishes containers that were killed because they wrote too much from those that exited."""

    usage: DiskUsage
    most: int

    async def check(self, container: str, name: str) -> None:
        """Raise TellUser(DISK_EXCEEDED) if a container has written more than it may."""
        size = await self.usage.size(container)
        if size > self.most:
            facts = {"name": name, "size": quantities.size(size), "limit": quantities.size(self.most)}
            raise TellUser(Reason.DISK_EXCEEDED, facts)


def unstartable(error: EngineRefused | EngineFault, name: str) -> ChatOpsError:
    """Return the error for a container that the engine could not create or start."""
    if error.status == HTTPStatus.BAD_REQUEST or _IMAGE_FAULT.search(error.message):
        facts = {"name": name, "code": NOT_STARTED}
        return TellUser(Reason.CONTAINER_EXITED, facts, log=clean(error.message))
    return error


def last_check(found: Mapping[str, Any]) -> str:
    """Return the last output of an inspected container's HEALTHCHECK."""
    checks = (found["State"].get("Health") or {}).get("Log") or [{}]
    lines = str(checks[-1].get("Output", "")).splitlines()
    return "\n".join(clean(line) for line in lines[-REMEMBERED:])


def address(found: Mapping[str, Any]) -> str:
    """Return the IP address of an inspected container on its only network."""
    networks = found["NetworkSettings"]["Networks"].values()
    return next((str(network["IPAddress"]) for network in networks if network["IPAddress"]), "")


async def is_open(host: str, port: int) -> bool:
    """Return whether a port accepts connections."""
    try:
        async with asyncio.timeout(PROBE):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def answers(host: str, port: int, path: str | None = None) -> bool:
    """Return whether a URL path answers with a status below 400; redirects are not followed.

    Without a path, any answer by HTTP counts.
    """
    url = URL.build(scheme="http", host=host, port=port).join(
        URL(f"/{(path or '').lstrip('/')}", encoded=True)
    )
    timeout = aiohttp.ClientTimeout(total=PROBE)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            return path is None or response.status < HTTPStatus.BAD_REQUEST
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False
