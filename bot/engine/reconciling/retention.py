"""Removes what was kept for long enough: files of runs, runs and deliveries, in batches that hold up nobody.

What is due is found in the store and the run files each time anew, so neither a restart nor another replica's
taking the lead forgets or repeats anything.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from bot.core.reconciling.retention import LOG, RetentionPolicy, expendable
from bot.engine.metrics import NULL_METRICS, Metrics
from bot.engine.records import Records
from bot.file_store import FileStore
from bot.ports import Clock

logger = logging.getLogger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True)
class Retention:
    """Keeps the store and the run files from growing for ever."""

    records: Records
    files: FileStore
    clock: Clock
    keep: RetentionPolicy
    metrics: Metrics = NULL_METRICS

    async def reconcile(self) -> None:
        """Remove all that is due. Raises RetryLater(STORE_UNAVAILABLE)."""
        now, past = self.clock.now(), self.records.past
        live = frozenset(environment.run for environment in await self.records.pulls.environments())
        await self._files(live, now)
        before = now - self.keep.runs
        await self._all("runs", lambda: past.forget_runs(before, live, BATCH))
        decided = now - self.keep.deliveries
        await self._all("deliveries", lambda: past.forget_deliveries(decided, BATCH))

    async def _files(self, live: Collection[int], now: datetime) -> None:
        removed: Counter[str] = Counter()
        after = 0
        while held := await self.files.runs_with_files(after=after, limit=BATCH):
            over = await self.records.past.over(tuple(held))
            for run, names in expendable(held, over, live, self.keep, now).items():
                await self.files.remove(run, names)
                removed.update("logs" if name.endswith(LOG) else "reports" for name in names)
            after = max(held)
        for kind, count in removed.items():
            self._tell(kind, count)

    async def _all(self, kind: str, forget: Callable[[], Awaitable[int]]) -> None:
        total = 0
        while count := await forget():
            total += count
        if total:
            self._tell(kind, total)

    def _tell(self, kind: str, count: int) -> None:
        logger.info("kept for long enough and removed: %s %s", count, kind)
        self.metrics.removed(kind, count)
