"""Containers in the engine: created, started, followed and removed."""

import asyncio
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from bot.core.naming import LABEL_ENVIRONMENT, LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO
from bot.core.runs.fencing import holder_of, may_remove
from bot.model.errors import Overtaken, RetryLater
from bot.model.holder import Holder
from bot.model.reason import Reason
from bot.runners.docker.container import without_quota
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
from bot.runners.docker.labels import Found, matching, parted
from bot.runners.lines import Lines
from bot.runners.response_body import received

RESTARTED = "unless-stopped"
"""Restart policy of the containers of a deployment that has been ready. The service gets it last."""
RESTARTED_UNTIL_REBOOT = "on-failure"
"""The same for those with a way out, which must not start before the firewall's rules are set again."""
OF_ENVIRONMENT = (LABEL_INSTANCE, LABEL_REPO, LABEL_NUMBER, LABEL_ENVIRONMENT)
"""Labels that say whose a container is. Its name has a short hash of them, which others find by trying."""
SLICE = 1 << 16
"""Bytes of output that are processed at once."""
_FRAME = struct.Struct(">BxxxL")


class Containers:
    """The engine's containers."""

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine
        self._quotas: bool | None = None
        """Whether root file systems can have a size; None until that is known."""

    async def create(self, name: str, configuration: Mapping[str, Any]) -> str:
        """Create a container and return its id; an older one of its environment with the name is replaced.

        Raises Overtaken if a later run or attempt has the name, RetryLater if another environment has it.
        """
        try:
            return await self._create(name, configuration)
        except EngineRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
        before = await self.inspect(name)
        labels = before["Config"].get("Labels") or {}
        if any(labels.get(one) != configuration["Labels"].get(one) for one in OF_ENVIRONMENT):
            message = f"the container {name} exists already, and is not of this environment"
            raise RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": message})
        if not may_remove(labels, holder_of(configuration["Labels"])):
            raise Overtaken(Reason.ENGINE_UNAVAILABLE)
        await self.remove(str(before["Id"]))
        return await self._create(name, configuration)

    async def _create(self, name: str, configuration: Mapping[str, Any]) -> str:
        """Create a container, with a size if the engine's disk has quotas (XFS, mounted with `pquota`)."""
        if self._quotas is None:
            self._quotas = _has_xfs(await self._engine.get("/info"))
        if not self._quotas:
            return await self._created(name, without_quota(configuration))
        try:
            return await self._created(name, dict(configuration))
        except (EngineRefused, EngineFault) as error:
            if error.status == HTTPStatus.CONFLICT:
                raise
        made = await self._created(name, without_quota(configuration))
        self._quotas = False
        return made

    async def _created(self, name: str, body: dict[str, Any]) -> str:
        made = await self._engine.short(
            lambda api: api.create_container_from_config(body, name)  # type: ignore[no-untyped-call] # bare in the stubs
        )
        return str(made["Id"])

    async def start(self, container: str) -> None:
        """Start a container; `health.unstartable` turns the error into one for users."""
        await self._engine.short(lambda api: api.start(container))

    async def unpack(self, container: str, archive: bytes) -> None:
        """Unpack a tar into the root of a container that has not started; no file replaces a folder."""

        async def data() -> AsyncIterator[bytes]:
            yield archive

        path, params = f"/containers/{container}/archive", {"path": "/", "noOverwriteDirNonDir": "1"}
        async with self._engine.open("PUT", path, params=params, data=data()):
            return

    async def restart_always(self, container: str, *, unless_rebooted: bool = False) -> None:
        """Let the engine restart a container after a crash, and after a reboot if that is wanted."""
        policy: Any = {"Name": RESTARTED_UNTIL_REBOOT if unless_rebooted else RESTARTED}
        await self._engine.short(lambda api: api.update_container(container, restart_policy=policy))

    async def inspect(self, container: str) -> dict[str, Any]:
        """Return the engine's description of a container."""
        found: dict[str, Any] = await self._engine.get(f"/containers/{container}/json")
        return found

    async def find(self, container: str) -> dict[str, Any] | None:
        """Return the engine's description of a container, None if it does not exist."""
        try:
            return await self.inspect(container)
        except EngineRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def wait(self, container: str) -> int:
        """Wait until a container has exited, and return its exit code."""
        return int((await self._engine.post(f"/containers/{container}/wait"))["StatusCode"])

    async def remove(self, container: str) -> None:
        """Kill and remove a container with its anonymous volumes, if it exists."""
        try:
            await self._engine.short(lambda api: api.remove_container(container, v=True, force=True))
        except EngineRefused as refused:
            # 409: its removal is already under way.
            if refused.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                raise

    async def labeled(self, wanted: Mapping[str, str]) -> list[Found]:
        """Return the engine's entries of all containers with these labels."""
        filters = matching(wanted)
        found: list[Found] = await self._engine.short(lambda api: api.containers(all=True, filters=filters))
        return found

    async def remove_all(
        self, wanted: Mapping[str, str], holder: Holder, spared: Holder | None = None
    ) -> list[Found]:
        """Remove every container with these labels that is not newer than the holder; return the newer ones.

        Those of the spared holder's run stay.
        """
        removable, newer = parted(await self.labeled(wanted), holder, spared)
        for container in removable:
            await self.remove(str(container["Id"]))
        return newer

    @asynccontextmanager
    async def attached(self, container: str) -> AsyncIterator[AsyncIterator[list[str]]]:
        """Provide the output of a container that has not started yet, as clean lines.

        Unlike its log, this stream loses nothing: the container waits until its output is read.
        """
        params = {"stream": "1", "stdout": "1", "stderr": "1"}
        async with self._engine.open("POST", f"/containers/{container}/attach", params=params) as response:
            yield _lines(received(response))

    async def tail(self, container: str, lines: int = 40) -> str:
        """Return the last lines of a container's log."""
        params = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        async with self._engine.open("GET", f"/containers/{container}/logs", params=params) as response:
            found = [line async for batch in _lines(received(response)) for line in batch]
        return "\n".join(found[-lines:])


def restarts(found: Mapping[str, Any]) -> bool:
    """Whether the engine restarts an inspected container: its deployment has been ready."""
    return bool(found["HostConfig"]["RestartPolicy"]["Name"] in {RESTARTED, RESTARTED_UNTIL_REBOOT})


def _has_xfs(info: Mapping[str, Any]) -> bool:
    """Return whether an engine's layers are on XFS, by its own description."""
    status = dict(info.get("DriverStatus") or ())
    return info.get("Driver") == "overlay2" and status.get("Backing Filesystem") == "xfs"


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[str]]:
    """Yield the whole lines of standard output and standard error."""
    streams: defaultdict[int, Lines] = defaultdict(Lines)
    async for stream, data in _frames(chunks):
        yield streams[stream].feed(data)
    for lines in streams.values():
        yield lines.flush()


async def _frames(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    """Split the engine's multiplexed stream; the data of a frame is yielded as it comes."""
    frames = Frames()
    async for chunk in chunks:
        for at in range(0, len(chunk), SLICE):
            for stream, data in frames.feed(chunk[at : at + SLICE]):
                yield stream, data
            # A flood of output must not keep the event loop from everything else.
            await asyncio.sleep(0)


class Frames:
    """Decodes the engine's multiplexing of standard output and error: eight bytes of header, then data.

    https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
    """

    def __init__(self) -> None:
        self._header = b""
        self._stream = 0
        self._left = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Take bytes and yield the data in them with the number of its stream."""
        at = 0
        while at < len(chunk):
            if self._left:
                data = chunk[at : at + self._left]
                self._left -= len(data)
                at += len(data)
                yield self._stream, data
            else:
                wanted = _FRAME.size - len(self._header)
                self._header += chunk[at : at + wanted]
                at += wanted
                if len(self._header) == _FRAME.size:
                    self._stream, self._left = _FRAME.unpack(self._header)
                    self._header = b""
