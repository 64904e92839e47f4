"""How `chatops serve` shuts down: steps are interrupted cleanly; if that takes too long, the process exits.

Neither loses anything: the bot resumes runs even after `kill -9`.
"""

import asyncio
import logging
import os
import signal
import threading
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Shutdown:
    """Waits for a signal, and exits the process if the shutdown takes too long."""

    grace: float
    """Seconds that the shutdown may take."""
    _requested: asyncio.Event = field(default_factory=asyncio.Event)

    def listen(self) -> None:
        """Handle the signals of the process from now on; a signal during the start takes effect after it."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._request)

    async def wait(self) -> None:
        """Return when a signal has arrived."""
        await self._requested.wait()

    def _request(self) -> None:
        if self._requested.is_set():
            _exit("second signal")
        logger.info("shutting down: interrupting runs for at most %g s; they are resumed", self.grace)
        # A thread, because the event loop may be blocked.
        timer = threading.Timer(self.grace, _exit, [f"not done after {self.grace:g} s"])
        timer.daemon = True
        timer.start()
        self._requested.set()


def _exit(reason: str) -> None:
    logger.warning("exiting immediately: %s", reason)
    logging.shutdown()
    os._exit(1)
