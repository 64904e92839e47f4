"""The periodic sweep: what was lost on the way or left behind is found and made good, part by part."""

import logging
from dataclasses import dataclass

from bot.engine.reconciling.garbage_collector import Leftovers
from bot.engine.reconciling.reconciler import Missed
from bot.model.errors import ChatOpsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Looks at everything once; a part that is away keeps no other from being looked at."""

    missed: Missed
    leftovers: Leftovers

    async def look(self) -> None:
        """Compare Gitee, then runners and registry, with the store, and repair what differs."""
        try:
            await self.missed.look()
        except ChatOpsError as error:
            logger.warning("sweep: Gitee is left out this time: %s", error)
        await self.leftovers.look()
