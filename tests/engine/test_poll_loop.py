"""Nothing but its own end ends a loop of the engine."""

import asyncio

import pytest

from bot.engine import poll_loop
from bot.engine.poll_loop import PollLoop
from bot.model.errors import RetryLater
from bot.model.lease import LeaseLost
from bot.model.reason import Reason


@pytest.mark.parametrize("error", [RetryLater(Reason.STORE_UNAVAILABLE), LeaseLost(), KeyError("a bug")])
async def test_an_error_ends_only_the_present_poll(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll_loop, "RETRY_AFTER_BUG", 0)
    again = asyncio.Event()
    loop, polls = PollLoop("queue"), iter([error, error])

    async def poll() -> None:
        loop.wake()
        await asyncio.sleep(0)
        if (raised := next(polls, None)) is not None:
            raise raised
        again.set()

    running = asyncio.create_task(loop.run(poll))
    await again.wait()
    running.cancel()
