"""Keeps the names of environments in step with the store, where each has to be entered by itself.

The store is looked at again and again, so a name follows its environment whatever moved it: a deploy, a
teardown, an extension or another replica. What is entered runs out by itself when no bot renews it.
"""

import logging
from dataclasses import dataclass, field

from bot.engine.records import Records
from bot.ports import DnsRecords

logger = logging.getLogger(__name__)

RENEWAL = 120
"""Looks after which everything is entered anew: well before it runs out."""


@dataclass(slots=True)
class DnsReconciler:
    """Enters the names of live environments and takes out the others."""

    records: Records
    dns: DnsRecords
    _entered: set[str] = field(default_factory=set)
    _looks: int = 0
    _trouble: str | None = None

    async def reconcile(self) -> None:
        """Bring the names up to date; what fails is done at the next look."""
        live = {environment.host for environment in await self.records.pulls.environments()}
        due = live if self._looks % RENEWAL == 0 else live - self._entered
        self._looks += 1
        if due and self._succeeded(await self.dns.publish(due)):
            self._entered |= due
        gone = self._entered - live
        if gone and self._succeeded(await self.dns.withdraw(gone)):
            self._entered -= gone

    def _succeeded(self, trouble: str | None) -> bool:
        if trouble is None and self._trouble is not None:
            logger.info("names can be entered again")
        elif trouble is not None and trouble != self._trouble:
            logger.warning("names cannot be entered: %s", trouble)
        self._trouble = trouble
        return trouble is None
