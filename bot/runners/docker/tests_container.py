"""Runs one test suite in a container, and collects its report."""

import asyncio
import posixpath
import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import TestOutput, TestSpec
from bot.runners.collect import ARCHIVE_LIMIT, report_files
from bot.runners.docker.engine import DockerEngine, EngineRefused
from bot.runners.docker.one_off import OneOff
from bot.runners.response_body import received


class TestsContainer:
    """Runs one suite."""

    __test__ = False

    def __init__(self, engine: DockerEngine, spec: TestSpec, one_off: OneOff) -> None:
        self._engine = engine
        self._spec = spec
        self._one_off = one_off

    async def run(self, name: str, configuration: Mapping[str, Any]) -> TestOutput:
        """Run the suite and return its result; the container is removed in any case."""
        async with self._one_off.created(name, configuration) as container:
            try:
                code = await self._one_off.exit_code(container, self._spec.timeout)
            except TimeoutError:
                facts = {"step": "test", "seconds": str(self._spec.timeout)}
                raise self._one_off.with_log(TellUser(Reason.TIMED_OUT, facts)) from None
            return TestOutput(code, await self._report(container))

    async def _report(self, container: str) -> dict[str, bytes]:
        params = {"path": posixpath.normpath(self._spec.report)}
        with tempfile.TemporaryFile() as kept:
            try:
                async with self._engine.open(
                    "GET", f"/containers/{container}/archive", params=params
                ) as response:
                    async for chunk in received(response):
                        if kept.tell() + len(chunk) > ARCHIVE_LIMIT:
                            self._one_off.writer.line(
                                f"{self._spec.report} is too large: only its beginning is read"
                            )
                            break
                        kept.write(chunk)
            except EngineRefused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise
                return {}
            kept.seek(0)
            return await asyncio.to_thread(report_files, kept)
