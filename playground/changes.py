"""Notifies pages and tests of changes."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Changes:
    """A counter of changes that can be awaited. `closed` means that there are no further changes."""

    def __init__(self) -> None:
        self.version = 0
        self.closed = False
        self._waiting: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Count a change and wake all waiting tasks."""
        self.version += 1
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def close(self) -> None:
        """Announce that there are no further changes, so that streams end."""
        self.closed = True
        self.notify()

    async def after(self, version: int) -> int:
        """Return the current version as soon as it is newer than the given one."""
        while self.version <= version:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)
        return self.version

    async def until(self, predicate: Callable[[], T], timeout: float) -> T:  # noqa: ASYNC109 - each call of a test has a timeout of its own
        """Return the first true value of the predicate, which is called now and after each change.

        Raises TimeoutError after `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while True:
                version = self.version
                if value := predicate():
                    return value
                await self.after(version)
