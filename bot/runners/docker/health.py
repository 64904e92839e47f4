"""When a started container counts as ready; fails at once when it is no longer running."""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
from yarl import URL

from bot.model.errors import ChatOpsError, TellUser
from bot.model.reason import Reason
from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import EngineFault, EngineRefused
from bot.runners.lines import clean

INTERVAL = 0.075
"""Seconds between two looks."""
REMEMBERED = 20
NOT_STARTED = "127"
"""What a shell would say of a command that cannot be run."""
_IMAGE_FAULT = re.compile(
    r"(?i)unable to find (?:user|group)|executable file not found|no such file or directory|permission denied"
    r"|not a directory|exec format error|no command specified|OCI runtime create failed"
)

PROBE = 5.0
"""Seconds that one probe may take."""


class Health:
    """Waits for containers, by their image's HEALTHCHECK, a URL path or an open port."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    async def wait(
        self, container: str, name: str, *, port: int | None, path: str | None, seconds: float
    ) -> None:
        """Return when a container is ready.

        Raises TellUser(CONTAINER_EXITED | OUT_OF_MEMORY | UNHEALTHY), its log what the last check said.
        """
        try:
            async with asyncio.timeout(seconds):
                while not await self._ready(container, name, port, path):  # noqa: ASYNC110 - the engine tells nobody
                    await asyncio.sleep(INTERVAL)
        except TimeoutError:
            said = last_check(await self._containers.inspect(container))
            facts = {"name": name, "seconds": f"{seconds:g}"}
            raise TellUser(Reason.UNHEALTHY, facts, log=said) from None

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
    """Return the error for a container that is over."""
    state = found["State"]
    if state.get("OOMKilled"):
        limit = f"{found['HostConfig']['Memory'] // 2**20}m"
        return TellUser(Reason.OUT_OF_MEMORY, {"name": name, "limit": limit})
    return TellUser(Reason.CONTAINER_EXITED, {"name": name, "code": str(state["ExitCode"])})


def unstartable(error: EngineRefused | EngineFault, name: str) -> ChatOpsError:
    """Return the error for a container that the engine would not make or start."""
    if error.status == HTTPStatus.BAD_REQUEST or _IMAGE_FAULT.search(error.message):
        facts = {"name": name, "code": NOT_STARTED}
        return TellUser(Reason.CONTAINER_EXITED, facts, log=clean(error.message))
    return error


def last_check(found: Mapping[str, Any]) -> str:
    """Return what an inspected container's HEALTHCHECK wrote last."""
    checks = (found["State"].get("Health") or {}).get("Log") or [{}]
    lines = str(checks[-1].get("Output", "")).splitlines()
    return "\n".join(clean(line) for line in lines[-REMEMBERED:])


def address(found: Mapping[str, Any]) -> str:
    """Return the IP address of an inspected container on its one network."""
    networks = found["NetworkSettings"]["Networks"].values()
    return next((str(network["IPAddress"]) for network in networks if network["IPAddress"]), "")


async def is_open(host: str, port: int) -> bool:
    """Say whether something accepts connections there."""
    try:
        async with asyncio.timeout(PROBE):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def answers(host: str, port: int, path: str) -> bool:
    """Say whether a URL path answers below 400; a redirect counts and is not followed."""
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
