"""Containers in the engine: made, started, listened to and removed."""

import struct
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

from bot.runners.docker.engine import DockerEngine, EngineRefused
from bot.runners.docker.labels import matching
from bot.runners.docker.lines import Lines

_FRAME = struct.Struct(">BxxxL")


class Containers:
    """The engine's containers."""

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine

    async def create(self, name: str, configuration: Mapping[str, Any]) -> str:
        """Create a container and return its id."""
        body = dict(configuration)
        made = await self._engine.short(
            lambda api: api.create_container_from_config(body, name)  # type: ignore[no-untyped-call] # bare in the stubs
        )
        return str(made["Id"])

    async def start(self, container: str) -> None:
        """Start a container; raises EngineRefused when its command cannot be run."""
        await self._engine.short(lambda api: api.start(container))

    async def keep(self, container: str) -> None:
        """Have the engine start it again after a crash or a reboot."""
        policy: Any = {"Name": "unless-stopped"}
        await self._engine.short(lambda api: api.update_container(container, restart_policy=policy))

    async def inspect(self, container: str) -> dict[str, Any]:
        """Return what the engine knows of a container."""
        found: dict[str, Any] = await self._engine.get(f"/containers/{container}/json")
        return found

    async def wait(self, container: str) -> int:
        """Wait until a container is over and return its exit code."""
        return int((await self._engine.post(f"/containers/{container}/wait"))["StatusCode"])

    async def remove(self, container: str) -> None:
        """Kill and remove a container with its anonymous volumes; none is fine."""
        try:
            await self._engine.short(lambda api: api.remove_container(container, v=True, force=True))
        except EngineRefused as refused:
            # 409: its removal is already under way.
            if refused.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                raise

    async def remove_all(self, wanted: Mapping[str, str]) -> None:
        """Remove every container with these labels."""
        filters = matching(wanted)
        for found in await self._engine.short(lambda api: api.containers(all=True, filters=filters)):
            await self.remove(str(found["Id"]))

    async def output(
        self, container: str, *, follow: bool = False, tail: str = "all"
    ) -> AsyncIterator[list[str]]:
        """Give what a container writes, standard output and errors together, as clean lines."""
        params = {"stdout": "1", "stderr": "1", "follow": str(int(follow)), "tail": tail}
        path = f"/containers/{container}/logs"
        streams = {1: Lines(), 2: Lines()}
        async with self._engine.open("GET", path, params=params) as response:
            async for stream, data in _frames(response.content.iter_any()):
                yield streams.setdefault(stream, Lines()).feed(data)
        for lines in streams.values():
            yield lines.flush()

    async def tail(self, container: str, lines: int = 40) -> str:
        """Return the last lines that a container wrote."""
        found = [line async for batch in self.output(container, tail=str(lines)) for line in batch]
        return "\n".join(found[-lines:])


async def _frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """Take the engine's multiplexed stream apart; a frame's data is passed on as it comes."""
    rest = b""
    stream = left = 0
    async for chunk in chunks:
        rest += chunk
        while rest:
            if not left:
                if len(rest) < _FRAME.size:
                    break
                stream, left = _FRAME.unpack_from(rest)
                rest = rest[_FRAME.size :]
            data, rest = rest[:left], rest[left:]
            left -= len(data)
            if data:
                yield stream, data
