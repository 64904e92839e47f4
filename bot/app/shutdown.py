"""How `chatops serve` ends: steps are interrupted in good order, and where that takes too long, at once.

The second way loses nothing either: it is what `kill -9` does, and runs are taken up from it all the same.
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
    """Waits to be asked to end, and sees to it that the end comes."""

    grace: float
    """Seconds that it may take."""
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def listen(self) -> None:
        """Take the process's signals from now on: asked while it starts, it ends as soon as it has."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._ask)

    async def wait(self) -> None:
        """Return when the process has been asked to end."""
        await self._asked.wait()

    def _ask(self) -> None:
        if self._asked.is_set():
            _end("asked twice")
        logger.info("interrupting what runs, for at most %g s; it is taken up again", self.grace)
        # A thread, so that nothing that blocks the loop can keep the process from ending.
        end = threading.Timer(self.grace, _end, [f"not done after {self.grace:g} s"])
        end.daemon = True
        end.start()
        self._asked.set()


def _end(why: str) -> None:
    logger.warning("ending as it stands: %s", why)
    logging.shutdown()
    os._exit(1)
