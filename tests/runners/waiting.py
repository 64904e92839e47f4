"""Waiting for changes in the engine by polling."""

import asyncio
from collections.abc import Callable

from tests.real.parts import PATIENCE


async def until(condition: Callable[[], bool]) -> None:
    """Poll a condition until it is true; fail after the timeout of these tests."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the condition is the engine's
            await asyncio.sleep(0.02)
