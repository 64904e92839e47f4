"""Wakes the poll loops as soon as another replica has committed something for them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.engine.poll_loop import POLL_SECONDS, PollLoop
from bot.engine.records import NotificationRecords
from bot.model.errors import RetryLater
from bot.model.queue import Queue

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Notifications:
    """Listens to the store. While it cannot, the loops find by polling what others have committed."""

    records: NotificationRecords
    loops: Mapping[Queue, PollLoop]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def serve(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                changed = await self.records.changed()
            except Exception as error:  # noqa: BLE001 - whatever it is, polling goes on
                self._lost(error)
                await self.sleep(POLL_SECONDS)
            else:
                for queue, loop in self.loops.items():
                    loop.notified = True
                    if queue in changed:
                        loop.wake()

    def _lost(self, error: Exception) -> None:
        if any(loop.notified for loop in self.loops.values()):
            bug = None if isinstance(error, RetryLater) else error
            logger.warning("notifications of the store are lost, and polled for: %s", error, exc_info=bug)
        for loop in self.loops.values():
            loop.notified = False
