"""Reconciles the DNS records of previews with the environments in the store.

It compares all records each time, so it does not matter what changed an environment: a deploy, a teardown, an
extension or another replica. A record that no bot renews expires.
"""

import logging
from dataclasses import dataclass, field

from bot.core.environments import public
from bot.engine.records import EnvironmentReader
from bot.ports import DnsRecords

logger = logging.getLogger(__name__)

RENEWAL = 120
"""Number of reconciliations after which all records are renewed, well before they expire."""


@dataclass(slots=True)
class DnsReconciler:
    """Publishes records of environments that exist, and withdraws the others."""

    pulls: EnvironmentReader
    dns: DnsRecords
    _published: set[str] = field(default_factory=set)
    _rounds: int = 0
    _trouble: str | None = None

    async def reconcile(self) -> None:
        """Publish, renew and withdraw records. What fails is tried again the next time."""
        live = {label for one in await self.pulls.environments() for label in public.labels(one)}
        due = live if self._rounds % RENEWAL == 0 else live - self._published
        self._rounds += 1
        if due and self._succeeded(await self.dns.publish(due)):
            self._published |= due
        gone = self._published - live
        if gone and self._succeeded(await self.dns.withdraw(gone)):
            self._published -= gone

    def _succeeded(self, trouble: str | None) -> bool:
        if trouble is None and self._trouble is not None:
            logger.info("DNS records can be published again")
        elif trouble is not None and trouble != self._trouble:
            logger.warning("DNS records cannot be published, previews may not resolve: %s", trouble)
        self._trouble = trouble
        return trouble is None
