"""Waiting for what a cluster tells nobody: it is asked again and again, within a bound."""

import asyncio
from collections.abc import Awaitable, Callable

INTERVAL = 0.4


async def until(
    seconds: float, reached: Callable[[], Awaitable[bool]], interval: float | None = None
) -> None:
    """Return once `reached` says so; raises TimeoutError when it is asked, after `seconds`, and does not."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not await reached():
        if loop.time() > end:
            raise TimeoutError
        await asyncio.sleep(INTERVAL if interval is None else interval)
