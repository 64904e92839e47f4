"""Telling those who wait that something changed; apart because pages and tests both wait on it."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """A counter that can be awaited. `version` grows with each change; `closed` says that it was the last."""

    def __init__(self) -> None:
        self.version = 0
        self.closed = False
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Wake everybody who waits."""
        self.version += 1
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def close(self) -> None:
        """Let streams end: there will be no more changes."""
        self.closed = True
        self.notify()

    async def after(self, version: int) -> int:
        """Return the present version as soon as it is newer than the given one."""
        while self.version <= version:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)
        return self.version

    async def until(self, predicate: Callable[[], T], timeout: float) -> T:  # noqa: ASYNC109 - a test's patience belongs to the call
        """Return the predicate's first true value; it is asked now and after each change.

        Raises TimeoutError after `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while True:
                version = self.version
                if value := predicate():
                    return value
                await self.after(version)
