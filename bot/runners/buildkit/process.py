"""Runs `buildctl` in a process group of its own, which ends with whoever waits for it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from bot.model.errors import GiveUp
from bot.model.reason import Reason
from bot.runners.lines import split_lines

GRACE = 5.0
"""Seconds in which a stopped client may tell buildkitd to stop as well."""
_CHUNK = 1 << 16


class Process:
    """A running client. Its lines must be read to the end before its exit code is known."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines of output, standard error included, as they come."""
        return split_lines(self._chunks())

    async def code(self) -> int:
        """Return the exit code once it has ended."""
        return await self._process.wait()

    async def stop(self) -> None:
        """End it and all that it started: kindly first, for only the client can stop the build."""
        if self._process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(GRACE):
                await self._drained()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._drained()

    async def _drained(self) -> None:
        # Unread output would keep the pipe, and so the wait, open.
        async for _ in self._chunks():
            pass
        await self._process.wait()

    async def _chunks(self) -> AsyncIterator[bytes]:
        stream = self._process.stdout
        while stream is not None and (data := await stream.read(_CHUNK)):
            yield data

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@contextlib.asynccontextmanager
async def started(
    command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Start a client, its home in `folder`; it is stopped on leaving if it still runs.

    Raises GiveUp(NOT_SUPPORTED) when there is no such program.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), **(environ or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise GiveUp(Reason.NOT_SUPPORTED, {"what": f"{command[0]}: {error.strerror}"}) from error
    running = Process(process)
    try:
        yield running
    finally:
        await asyncio.shield(running.stop())
