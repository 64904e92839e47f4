"""Deletes run files, runs, deliveries and audit records after their retention period, in small batches.

Each time it reads from the store what is due, so a restart or a change of the leader neither loses nor
repeats anything.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from bot.core.reconciling.retention import LOG, RetentionPolicy, expired_files
from bot.engine.metrics import NO_METRICS, Metrics
from bot.engine.records import Records
from bot.file_store import FileStore
from bot.ports import Clock

logger = logging.getLogger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True)
class Retention:
    """Keeps the store and the run files from growing forever."""

    records: Records
    files: FileStore
    clock: Clock
    policy: RetentionPolicy
    metrics: Metrics = NO_METRICS

    async def reconcile(self) -> None:
        """Delete everything that is due. Raises RetryLater(STORE_UNAVAILABLE)."""
        now, history = self.clock.now(), self.records.history
        live = frozenset(environment.run for environment in await self.records.pulls.environments())
        await self._delete_files(live, now)
        before = now - self.policy.runs
        await self._delete_all("runs", lambda: history.delete_runs(before, live, BATCH))
        decided = now - self.policy.deliveries
        await self._delete_all("deliveries", lambda: history.delete_deliveries(decided, BATCH))
        recorded = now - self.policy.audit
        await self._delete_all("audit_records", lambda: self.records.audit.delete(recorded, BATCH))

    async def _delete_files(self, live: Collection[int], now: datetime) -> None:
        removed: Counter[str] = Counter()
        after = 0
        while held := await self.files.runs_with_files(after=after, limit=BATCH):
            over = await self.records.history.finish_times(tuple(held))
            for run, names in expired_files(held, over, live, self.policy, now).items():
                await self.files.remove(run, names)
                removed.update("logs" if name.endswith(LOG) else "reports" for name in names)
            after = max(held)
        for kind, count in removed.items():
            self._report(kind, count)

    async def _delete_all(self, kind: str, delete: Callable[[], Awaitable[int]]) -> None:
        total = 0
        while count := await delete():
            total += count
        if total:
            self._report(kind, total)

    def _report(self, kind: str, count: int) -> None:
        logger.info("retention: deleted %s %s", count, kind)
        self.metrics.removed(kind, count)
