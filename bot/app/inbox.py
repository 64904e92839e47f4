"""The inbox in which webhooks and missed events meet."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.model.delivery import Delivery
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.store.arrivals import InboxFullError
from bot.store.records import Store


@dataclass(frozen=True, slots=True)
class NotifyingInbox:
    """The store's inbox, which wakes the dispatcher when a delivery is new."""

    store: Store
    wake: Callable[[], None]

    async def accept(self, delivery: Delivery) -> bool:
        """Store a delivery; see `bot.store.arrivals.Arrivals.accept`."""
        new = await self.store.arrivals.accept(delivery)
        if new:
            self.wake()
        return new

    async def recover(self, delivery: Delivery) -> bool:
        """Store a delivery whose webhook was missed, or process it again if it was given up.

        Return False if it needs neither. Raises RetryLater(STORE_UNAVAILABLE), also if the inbox is full.
        """
        try:
            return await self.accept(delivery)
        except InboxFullError as error:
            raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": "the inbox is full"}) from error
