"""Divides the requests in progress among the previews, so that slow ones do not take them all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class BusyPreviewError(Exception):
    """A preview has its share of the requests in progress already."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The requests in progress by preview, WebSockets included.

    A preview may have as many as are still free: one can take half of the limit, two a third each, and
    something is always left for the next one.
    """

    limit: int
    _open: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def taken(self, label: str) -> Iterator[None]:
        """Count a request until the block ends. Raises BusyPreviewError."""
        if self._open[label] >= self.limit - self._open.total():
            raise BusyPreviewError
        self._open[label] += 1
        try:
            yield
        finally:
            self._open[label] -= 1
            if not self._open[label]:
                del self._open[label]
