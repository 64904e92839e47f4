"""Log lines that anyone can cause: one of a kind in a while, with the number of those that were left out."""

import logging
import time
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

PERIOD = 10.0
"""Seconds between two lines of one kind."""


class Throttle:
    """Logs at most one line of each kind per PERIOD. Kinds are a closed set, so that they need no limit."""

    def __init__(self, logger: logging.Logger, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._monotonic = monotonic
        self._logged: dict[str, float] = {}
        self._skipped: dict[str, int] = {}

    def warning(self, kind: str, message: str, *values: object) -> None:
        """Log a warning, or count it for the next one of its kind."""
        if (skipped := self.admit(kind)) is not None:
            self._logger.warning("%s%s", message % values, skipped)

    def admit(self, kind: str) -> str | None:
        """Return None to leave a line out, otherwise what to add to it about those that were left out."""
        now = self._monotonic()
        if now - self._logged.get(kind, -PERIOD) < PERIOD:
            self._skipped[kind] = self._skipped.get(kind, 0) + 1
            return None
        self._logged[kind] = now
        skipped = self._skipped.pop(kind, 0)
        return f" ({skipped} more since the last such line)" if skipped else ""


class BrokenRequests(logging.Filter):
    """Makes one line of aiohttp's traceback about a request that is not HTTP, or whose client left."""

    def __init__(self, throttle: Throttle) -> None:
        super().__init__()
        self._throttle = throttle

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep records about other problems; of those about broken requests, keep one in a while."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError | web.RequestPayloadError | ConnectionError):
            return True
        skipped = self._throttle.admit(type(error).__name__)
        address = record.args[0] if isinstance(record.args, tuple) and record.args else "a client"
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        record.msg = "broken request from %s: %s%s"
        record.args = (address, type(error).__name__, skipped)
        return skipped is not None


def http_logger() -> logging.Logger:
    """Return the logger for aiohttp's servers."""
    logger = logging.getLogger("bot.web.http")
    if not any(isinstance(one, BrokenRequests) for one in logger.filters):
        logger.addFilter(BrokenRequests(Throttle(logger)))
    return logger
