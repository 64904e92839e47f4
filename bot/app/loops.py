"""Runs the endless loops of the bot in the background."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress

logger = logging.getLogger(__name__)


@asynccontextmanager
async def background(loop: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run a loop until the block ends; terminate the process if it crashes.

    A bot that accepts webhooks but never processes them must not look healthy.
    """
    task = asyncio.create_task(loop)
    task.add_done_callback(_terminate_if_crashed)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _terminate_if_crashed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a background loop crashed: terminating", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
