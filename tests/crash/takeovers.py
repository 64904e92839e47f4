"""Measures how long it takes until another process continues the work of a killed replica."""

import statistics
from dataclasses import dataclass, field
from time import monotonic

from tests.crash.engine import Call, RemoteEngine
from tests.crash.fleet import Replica

BOUND = 15.0
"""Seconds within which the work of a dead replica must be taken over."""


@dataclass
class Takeovers:
    """Records the calls that kills interrupt on one engine."""

    engine: RemoteEngine
    _interrupted: list[tuple[float, Call]] = field(default_factory=list)

    def record(self, victim: Replica) -> None:
        """Record the calls in progress of a replica that is about to be killed."""
        if victim.alive:
            mine = [call for call in self.engine.under_way() if call.pid == victim.pid]
            self._interrupted += [(monotonic(), call) for call in mine]

    def seconds(self) -> list[float]:
        """Return the seconds until another process continued each interrupted call, shortest first."""
        return sorted(
            min(after) for killed_at, call in self._interrupted if (after := self._after(killed_at, call))
        )

    def _after(self, killed_at: float, interrupted: Call) -> list[float]:
        return [
            call.began - killed_at
            for call in self.engine.calls
            if call.pull == interrupted.pull and call.began > killed_at and call.pid != interrupted.pid
        ]

    def __str__(self) -> str:
        found = self.seconds()
        if not found:
            return "nothing was interrupted"
        median, longest = statistics.median(found), found[-1]
        shares = f"{median / BOUND:.0%} (median) and {longest / BOUND:.0%} (longest) of the limit"
        return f"{len(found)} interrupted steps continued after {median:.1f} s and {longest:.1f} s: {shares}"
