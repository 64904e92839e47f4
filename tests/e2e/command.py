"""Runs `chatops playground` as a process that always ends with the test."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.real.parts import PATIENCE, RegistryProcess


@asynccontextmanager
async def playground(folder: Path, registry: RegistryProcess | str, *options: str) -> AsyncIterator[Process]:
    """Return a function that starts it with its data in a folder; at the end, running ones get SIGINT."""
    host = registry if isinstance(registry, str) else registry.host
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "bot.cli", "playground", *options),
        *("--data-dir", str(folder), "--registry", f"http://{host}"),
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    try:
        yield started
    finally:
        await _end(started)


async def _end(started: Process) -> None:
    with suppress(ProcessLookupError):
        started.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(PATIENCE):
            await started.communicate()
    finally:
        if started.returncode is None:
            os.killpg(started.pid, signal.SIGKILL)
            await started.communicate()
