"""Says at the runners again and again that this bot is there and owns what it has created."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.reconciling import ownership
from bot.engine.records import Records
from bot.model.errors import ChatOpsError
from bot.model.pipeline import RunnerName
from bot.ports import Clock, Platform

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ownership:
    """Renews the ownership of what this bot has created or adopted."""

    records: Records
    platforms: Mapping[RunnerName, Platform]
    clock: Clock

    async def reconcile(self) -> None:
        """Renew what is due; one runner that is unavailable does not hold up the other."""
        stores = [one.id for one in await self.records.identities.all()]
        environments = await self.records.pulls.environments()
        for runner, platform in self.platforms.items():
            now = self.clock.now()
            try:
                due = ownership.to_renew(await platform.inventory(), environments, stores, now)
                await platform.renew_ownership(due, stores[0], now + ownership.LASTS)
            except ChatOpsError as error:
                logger.warning("%s: ownership is not renewed: %s", runner, error)
