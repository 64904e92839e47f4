"""Makes and pushes images; closing the response is what stops a build, so cancelling the task does."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from bot.core.naming import LABEL_INSTANCE
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import BuildOrder, Built, Log
from bot.runners.build_failure import BuildFailure, classify, refused
from bot.runners.cleanup import uninterrupted
from bot.runners.docker.build_stream import ClassicProgress
from bot.runners.docker.buildkit import BuildKitProgress
from bot.runners.docker.context import chunks, filtered, recipe
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
from bot.runners.docker.images import Images
from bot.runners.lines import LogWriter

CLASSIC, BUILDKIT = "1", "2"


class Progress(Protocol):
    """Reads the messages of one build."""

    image: str
    failure: BuildFailure | None

    def feed(self, message: Mapping[str, Any]) -> list[str]:
        """Take a message and return the lines that it adds to the log."""
        ...

    def leftovers(self) -> tuple[str, ...]:
        """Return the images that this build made on its way, newest first."""
        ...


class DockerBuilder:
    """The `Builder` of one engine.

    `network` is what RUN may reach: `default` is the engine's own (the internet, and the host's ports),
    `none` is nothing. `memory` (bytes) and `cpus` limit RUN under the classic builder only: BuildKit takes
    no limits.
    """

    def __init__(
        self,
        engine: DockerEngine,
        *,
        instance: str,
        credentials: Credentials | None = None,
        network: str = "default",
        memory: int = 0,
        cpus: float = 0,
        buildkit: bool = True,
    ) -> None:
        self._engine = engine
        self._instance = instance
        self._credentials = credentials or Credentials()
        self._images = Images(engine, self._credentials)
        self._network = network
        self._memory = memory
        self._cpus = cpus
        self._buildkit = buildkit

    async def build(self, order: BuildOrder, log: Log) -> Built:
        """Build; see `Builder.build`."""
        writer = LogWriter(log)
        async with filtered(order.context, order.dockerfile) as context:
            image = await self._build(order, context, writer)
        found = await self._images.inspect(image)
        if found is None:
            raise EngineFault("the image vanished after its build")
        return Built(str(found["Id"]), int(found["Size"]), ports(found))

    async def push(self, tag: str, log: Log) -> str:
        """Push; see `Builder.push`."""
        return await self._images.push(tag, LogWriter(log))

    async def _build(self, order: BuildOrder, context: Path, writer: LogWriter) -> str:
        try:
            return await self._attempt(order, context, writer)
        except TellUser as error:
            if error.reason is Reason.TARGET_UNKNOWN:
                stages = await asyncio.to_thread(recipe, context, order.dockerfile)
                error.facts = {**error.facts, "known": ", ".join(stages.names)}
            if not await self._pulled(error, writer):
                raise
        return await self._attempt(order, context, writer)

    async def _pulled(self, error: TellUser, writer: LogWriter) -> bool:
        """Pull a private base image: BuildKit without a session has no credentials, the engine has."""
        image = error.facts.get("image", "")
        if error.reason is not Reason.BASE_IMAGE_MISSING or not await self._credentials.known(image):
            return False
        await self._images.ensure(image, writer)
        return True

    async def _attempt(self, order: BuildOrder, context: Path, writer: LogWriter) -> str:
        if self._buildkit:
            try:
                return await self._run(order, context, writer, BuildKitProgress())
            except (EngineRefused, EngineFault) as error:
                if not _without_buildkit(error):
                    raise
            self._buildkit = False
        return await self._run(order, context, writer, ClassicProgress())

    async def _run(self, order: BuildOrder, context: Path, writer: LogWriter, progress: Progress) -> str:
        try:
            await self._stream(order, context, writer, progress)
        except (EngineRefused, EngineFault) as error:
            refusal = (
                None if _without_buildkit(error) else refused(error.message, error.status, order.dockerfile)
            )
            if refusal is None:
                raise
            writer.line(error.message)
            raise refusal from error
        finally:
            await uninterrupted(self._images.discard(progress.leftovers()))
        if progress.failure is not None:
            writer.line(progress.failure.message)
            limited = isinstance(progress, ClassicProgress) and self._memory
            memory = f"{self._memory >> 20}m" if limited else ""
            raise classify(progress.failure, memory=memory, path=order.dockerfile)
        return progress.image or order.tag

    async def _stream(self, order: BuildOrder, context: Path, writer: LogWriter, progress: Progress) -> None:
        classic = isinstance(progress, ClassicProgress)
        headers = {"Content-Type": "application/x-tar"}
        headers |= await self._credentials.all() if classic else {}
        params = self._parameters(order, CLASSIC if classic else BUILDKIT)
        async with self._engine.open(
            "POST", "/build", params=params, data=chunks(context), headers=headers
        ) as response:
            async for message in self._engine.messages(response):
                writer.lines(progress.feed(message))

    def _parameters(self, order: BuildOrder, version: str) -> dict[str, str]:
        found = {
            "version": version,
            "t": order.tag,
            "dockerfile": order.dockerfile,
            "buildargs": json.dumps(dict(order.args)),
            "labels": json.dumps({**order.labels, LABEL_INSTANCE: self._instance}),
            "networkmode": self._network,
            "rm": "1",
            "forcerm": "1",
        }
        if order.target:
            found["target"] = order.target
        if self._memory:
            found |= {"memory": str(self._memory), "memswap": str(self._memory)}
        if self._cpus:
            found |= {"cpuperiod": "100000", "cpuquota": str(int(self._cpus * 100_000))}
        return found


def ports(image: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the TCP ports that an inspected image EXPOSEs, in rising order."""
    exposed = (image.get("Config") or {}).get("ExposedPorts") or {}
    pairs = (port.partition("/") for port in exposed)
    return tuple(sorted(int(number) for number, _, kind in pairs if kind in {"", "tcp"} and number.isdigit()))


def _without_buildkit(error: EngineRefused | EngineFault) -> bool:
    return error.status == HTTPStatus.NOT_IMPLEMENTED or "no active sessions" in error.message
