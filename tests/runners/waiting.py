"""Waiting for the engine, which tells nobody when something has come about."""

import asyncio
from collections.abc import Callable

from tests.real.parts import PATIENCE


async def until(condition: Callable[[], bool]) -> None:
    """Return once a condition holds; fail when it does not within the patience of these tests."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - the condition is the engine's
            await asyncio.sleep(0.02)
