"""The bot's loops stop with the bot, and a loop that crashes terminates it."""

import asyncio
import signal

import pytest

from bot.app.loops import background


async def test_a_loop_ends_with_its_block() -> None:
    ended = asyncio.Event()
    started = asyncio.Event()

    async def loop() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with background(loop()):
        await started.wait()
    assert ended.is_set()


async def test_a_loop_that_crashes_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: asyncio.Queue[int] = asyncio.Queue()
    monkeypatch.setattr(signal, "raise_signal", raised.put_nowait)

    async def loop() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with background(loop()):
            assert await raised.get() == signal.SIGTERM
