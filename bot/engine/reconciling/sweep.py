"""The periodic sweep: missed webhooks and revoked approvals, then orphaned resources."""

import logging
from dataclasses import dataclass

from bot.engine.reconciling.approvals import ApprovalReconciler
from bot.engine.reconciling.garbage_collector import GarbageCollector
from bot.engine.reconciling.reconciler import Reconciler
from bot.model.errors import ChatOpsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Reconciles everything once; a part that is unavailable does not hold up the other."""

    reconciler: Reconciler
    approvals: ApprovalReconciler
    garbage: GarbageCollector

    async def run(self) -> None:
        """Compare Gitee, then runners and registry, with the store, and repair what differs."""
        try:
            await self.reconciler.reconcile()
            await self.approvals.reconcile()
        except ChatOpsError as error:
            logger.warning("sweep: missed webhooks are not recovered this time: %s", error)
        await self.garbage.collect()
