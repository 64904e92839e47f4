"""Cleans up: to the end even when cancelled meanwhile, and not at all when the work itself was cancelled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


async def uninterrupted(work: Awaitable[T]) -> T:
    """Await this to its end, even if the caller is cancelled in between; then raise the cancellation."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
        raise


@asynccontextmanager
async def unless_cancelled(
    clean_up: Callable[[], Awaitable[object]], *, spared: type[Exception] | None = None
) -> AsyncIterator[None]:
    """Clean up at the end of the block, also after an error except `spared`, but not if it was cancelled.

    The adapter cannot know why it is cancelled. When the lease is lost, what it would remove may be its
    successor's; when the bot shuts down, its successor removes it. Only the executor knows that a run was
    stopped or timed out, and then calls the port to clean up.
    """
    try:
        yield
    except Exception as error:
        if spared is None or not isinstance(error, spared):
            await uninterrupted(clean_up())
        raise
    await uninterrupted(clean_up())
