"""The loops of the engine: they poll the store when woken, and every few seconds anyway."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sized
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.model.errors import RetryLater
from bot.model.lease import LeaseLost

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""Seconds within which a loop notices what another replica has stored, such as a request to stop its run."""
IDLE_POLL_SECONDS = 4.0
"""The same for a loop that has no tasks, while notifications tell it sooner."""
RETRY_AFTER_BUG = 30.0
"""Seconds until what failed because of a bug is tried again."""

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class PollLoop:
    """Polls repeatedly; `what` names the subject in log lines."""

    what: str
    polling: bool = False
    notified: bool = False
    """Whether the store notifies this process of what others commit."""
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Poll at once."""
        self._wake.set()

    async def run(self, poll: Callable[[], Awaitable[None]], tasks: Sized = ()) -> None:
        """Poll until cancelled. An unavailable store, a lost lease or a bug ends only the present poll.

        `tasks` are those that the polls have started.
        """
        while True:
            self._wake.clear()
            self.polling = True
            await self._once(poll)
            self.polling = False
            try:
                idle = self.notified and not len(tasks)
                async with asyncio.timeout(IDLE_POLL_SECONDS if idle else POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _once(self, poll: Callable[[], Awaitable[None]]) -> None:
        try:
            await poll()
        except LeaseLost:
            return  # The membership joins again.
        except RetryLater as error:
            logger.warning("the %s cannot be read and is polled again: %s", self.what, error)
        except Exception:
            logger.exception("a bug: the %s is polled again in %.0f s", self.what, RETRY_AFTER_BUG)
            await asyncio.sleep(RETRY_AFTER_BUG)


class RunningTasks(Generic[K]):
    """The tasks that work on what this replica has claimed, by key."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def keys(self) -> tuple[K, ...]:
        """Keys of the running tasks."""
        return tuple(self._tasks)

    def start(self, key: K, work: Coroutine[None, None, None], name: str) -> None:
        """Start a task. It counts as running until it calls `finished`."""
        self._tasks[key] = asyncio.create_task(work, name=name)

    def finished(self, key: K) -> None:
        """Remove a task that is over."""
        del self._tasks[key]

    async def cancel(self) -> None:
        """Cancel all tasks and wait until they have cleaned up."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
