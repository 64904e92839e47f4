"""Waiting for what a cluster tells nobody: it is asked again and again, within a bound."""

import asyncio
from collections.abc import Awaitable, Callable

INTERVAL = 0.4


async def until(
    seconds: float, reached: Callable[[], Awaitable[bool]], interval: float | None = None
) -> None:
    """Return once `reached` says so; raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            if await reached():
                return
            await asyncio.sleep(INTERVAL if interval is None else interval)
