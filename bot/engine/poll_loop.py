"""What the engine's loops have in common: they look at the store when woken, and after a while anyway."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.model.errors import RetryLater
from bot.model.lease import LeaseLost

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How long what another replica wrote may go unnoticed."""

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class PollLoop:
    """Looks again and again; `what` says in the log at what."""

    what: str
    polling: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look at once."""
        self._wake.set()

    async def run(self, poll: Callable[[], Awaitable[None]]) -> None:
        """Look until cancelled; a store that is away, or a lease that is lost, ends one look only."""
        while True:
            self._wake.clear()
            self.polling = True
            await self._once(poll)
            self.polling = False
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _once(self, poll: Callable[[], Awaitable[None]]) -> None:
        try:
            await poll()
        except LeaseLost:
            return  # the membership joins anew
        except RetryLater as error:
            logger.warning("the %s cannot be read: %s", self.what, error)


class RunningTasks(Generic[K]):
    """The tasks that carry out what this replica has taken, by key."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def keys(self) -> tuple[K, ...]:
        """Keys of the tasks under way."""
        return tuple(self._tasks)

    def start(self, key: K, work: Coroutine[None, None, None], name: str) -> None:
        """Start a task; it counts as under way until it says `done`."""
        self._tasks[key] = asyncio.create_task(work, name=name)

    def finished(self, key: K) -> None:
        """Forget what is over."""
        del self._tasks[key]

    async def cancel(self) -> None:
        """Interrupt everything, and return when all of it is tidied up."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
