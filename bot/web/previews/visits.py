"""Records visits of previews in memory, and writes them to the store periodically."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from bot.ports import Clock
from bot.web.ports import PreviewRecords


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits that this process served."""

    records: PreviewRecords
    clock: Clock
    _last: dict[str, datetime] = field(default_factory=dict)
    _open: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def during(self, label: str) -> Iterator[None]:
        """Count a visit as open until the block ends: uploads and WebSockets may last for hours."""
        self._open[label] += 1
        try:
            yield
        finally:
            self._last[label] = self.clock.now()
            self._open[label] -= 1
            if not self._open[label]:
                del self._open[label]

    async def flush(self) -> None:
        """Store the visits since the last call. If the store raises, they are kept for the next call."""
        now = self.clock.now()
        seen = {**self._last, **dict.fromkeys(self._open, now)}
        if not seen:
            return
        await self.records.visited(seen)
        for label, at in seen.items():
            if self._last.get(label) == at:
                del self._last[label]
