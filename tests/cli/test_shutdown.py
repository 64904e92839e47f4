"""Shutdown by signals, in separate processes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.real.parts import PATIENCE

PROGRAM = """
import asyncio
from bot.app.shutdown import Shutdown

async def main():
    shutdown = Shutdown({grace})
    shutdown.listen()
    try:
        print("waiting", flush=True)
        await shutdown.wait()
        print("asked", flush=True)
    finally:
        {tidying}

asyncio.run(main())
"""
HANGING = "while True: pass"


@contextmanager
def process(grace: float, tidying: str) -> Iterator[subprocess.Popen[str]]:
    program = PROGRAM.format(grace=grace, tidying=tidying)
    command = [sys.executable, "-c", program]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - written above
    assert started.stdout is not None
    try:
        assert started.stdout.readline() == "waiting\n"
        yield started
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_shuts_down_on_a_signal(number: signal.Signals) -> None:
    with process(600, "await asyncio.sleep(0)") as started:
        started.send_signal(number)
        assert started.wait(PATIENCE) == 0


def test_a_process_that_exceeds_its_grace_period_exits() -> None:
    with process(0.2, HANGING) as started:
        started.terminate()
        assert started.wait(PATIENCE) == 1


def test_a_second_signal_exits_at_once() -> None:
    with process(600, "await asyncio.sleep(600)") as started:
        assert started.stdout is not None
        started.terminate()
        assert started.stdout.readline() == "asked\n"
        started.terminate()
        assert started.wait(PATIENCE) == 1
