"""Runs `buildctl` in its own process group, which is stopped when its caller ends."""

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
"""Seconds that a stopped client gets to stop the build in buildkitd."""
_CHUNK = 1 << 16


class Process:
    """A running client. Read its lines to the end before asking for its exit code."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines of output, standard error included, as they come."""
        return split_lines(self._chunks())

    async def code(self) -> int:
        """Wait for the exit code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Stop the process group, by SIGTERM first: only the client can stop the build in buildkitd."""
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
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str] | None = None,
    files: Sequence[int] = (),
) -> AsyncIterator[Process]:
    """Start a client with `folder` as its home; on leaving it is stopped if it is still running.

    It inherits these descriptors.

    Raises GiveUp(NOT_SUPPORTED) if the program cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), **(environ or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            pass_fds=files,
        )
    except OSError as error:
        raise GiveUp(Reason.NOT_SUPPORTED, {"what": f"{command[0]}: {error.strerror}"}) from error
    running = Process(process)
    try:
        yield running
    finally:
        await asyncio.shield(running.stop())
