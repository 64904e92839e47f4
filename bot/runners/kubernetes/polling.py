"""Polls a condition until it holds or time runs out."""

import asyncio
from collections.abc import Awaitable, Callable

INTERVAL = 0.4


async def until(
    seconds: float, reached: Callable[[], Awaitable[bool]], interval: float | None = None
) -> None:
    """Return once `reached` holds, which is checked at least once. Raises TimeoutError after `seconds`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not await reached():
        if loop.time() > end:
            raise TimeoutError
        await asyncio.sleep(INTERVAL if interval is None else interval)
