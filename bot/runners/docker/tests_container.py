"""Runs one test suite in a container, follows its output and collects its report."""

import asyncio
import posixpath
import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import TestOutput, TestSpec
from bot.runners.cleanup import uninterrupted
from bot.runners.collect import ARCHIVE_LIMIT, report_files
from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
from bot.runners.docker.health import KILLED, OverDisk, ended, unstartable
from bot.runners.lines import LogWriter, clean
from bot.runners.response_body import received


class TestsContainer:
    """Runs one suite."""

    __test__ = False

    def __init__(
        self,
        engine: DockerEngine,
        containers: Containers,
        spec: TestSpec,
        writer: LogWriter,
        over_disk: OverDisk,
    ) -> None:
        self._over_disk = over_disk
        self._engine = engine
        self._containers = containers
        self._spec = spec
        self._writer = writer

    async def run(self, name: str, configuration: Mapping[str, Any]) -> TestOutput:
        """Run the suite and return its result; the container is removed in any case."""
        try:
            container = await self._containers.create(name, configuration)
        except (EngineRefused, EngineFault) as error:
            raise unstartable(error, self._spec.suite) from error
        try:
            code = await self._finish(container)
            state = await self._containers.inspect(container)
            if code == KILLED and state["State"].get("OOMKilled"):
                raise self._with_log(ended(state, self._spec.suite))
            if code == KILLED:
                await self._over_disk.check(container, self._spec.suite)
            return TestOutput(code, await self._report(container))
        finally:
            await uninterrupted(self._containers.remove(container))

    async def _finish(self, container: str) -> int:
        try:
            async with asyncio.timeout(self._spec.timeout):
                async with self._containers.attached(container) as output:
                    await self._start(container)
                    async for lines in output:
                        self._writer.lines(lines)
                return await self._containers.wait(container)
        except TimeoutError:
            facts = {"step": "test", "seconds": str(self._spec.timeout)}
            raise self._with_log(TellUser(Reason.TIMED_OUT, facts)) from None

    async def _start(self, container: str) -> None:
        try:
            await self._containers.start(container)
        except (EngineRefused, EngineFault) as error:
            self._writer.line(clean(error.message))
            raise unstartable(error, self._spec.suite) from error

    async def _report(self, container: str) -> dict[str, bytes]:
        params = {"path": posixpath.normpath(self._spec.report)}
        with tempfile.TemporaryFile() as kept:
            try:
                async with self._engine.open(
                    "GET", f"/containers/{container}/archive", params=params
                ) as response:
                    async for chunk in received(response):
                        if kept.tell() + len(chunk) > ARCHIVE_LIMIT:
                            self._writer.line(f"{self._spec.report} is too large: only its beginning is read")
                            break
                        kept.write(chunk)
            except EngineRefused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise
                return {}
            kept.seek(0)
            return await asyncio.to_thread(report_files, kept)

    def _with_log(self, error: Any) -> Any:
        error.log = "\n".join(self._writer.tail)
        return error
