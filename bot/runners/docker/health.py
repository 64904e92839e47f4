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


class Health:
    """Checks containers by a URL path, their image's HEALTHCHECK or an open port."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    async def wait(
        self, container: str, name: str, *, port: int | None, path: str | None, seconds: float
    ) -> None:
        """Return when a container is ready.

        Raises TellUser(CONTAINER_EXITED | OUT_OF_MEMORY | UNHEALTHY) with the output of the last check as its
        log.
        """
        try:
            async with asyncio.timeout(seconds):
                while not await self._ready(container, name, port, path):  # noqa: ASYNC110 - the engine has no event for it
                    await asyncio.sleep(INTERVAL)
        except TimeoutError:
            output = last_check(await self._containers.inspect(container))
            facts = {"name": name, "seconds": f"{seconds:g}"}
            raise TellUser(Reason.UNHEALTHY, facts, log=output) from None

    async def _ready(self, container: str, name: str, port: int | None, path: str | None) -> bool:
        found = await self._containers.inspect(container)
        if not found["State"]["Running"]:
            raise ended(found, name)
        health = (found["State"].get("Health") or {}).get("Status", "none")
        if path is not None and port is not None:
            return await answers(address(found), port, path)
        if health != "none":
            return bool(health == "healthy")
        return port is None or await is_open(address(found), port)


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


async def answers(host: str, port: int, path: str) -> bool:
    """Return whether a URL path answers with a status below 400; redirects are not followed."""
    url = URL.build(scheme="http", host=host, port=port).join(URL(f"/{path.lstrip('/')}", encoded=True))
    timeout = aiohttp.ClientTimeout(total=PROBE)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            return response.status < HTTPStatus.BAD_REQUEST
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return False
