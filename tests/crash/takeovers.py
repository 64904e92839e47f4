"""How long work lay idle after its replica was killed, until another process took it up."""

import statistics
from dataclasses import dataclass, field
from time import monotonic

from tests.crash.engine import FarEngine, Piece
from tests.crash.fleet import Replica

BOUND = 15.0
"""Seconds in which a dead replica's work must be taken over."""


@dataclass
class Takeovers:
    """Watches one engine."""

    engine: FarEngine
    _broken_off: list[tuple[float, Piece]] = field(default_factory=list)

    def note(self, victim: Replica) -> None:
        """Remember what a replica is about to leave undone."""
        if victim.alive:
            mine = [piece for piece in self.engine.under_way() if piece.who == victim.pid]
            self._broken_off += [(monotonic(), piece) for piece in mine]

    def seconds(self) -> list[float]:
        """Return how long each piece waited for the next process, shortest first."""
        return sorted(
            min(after) for killed_at, piece in self._broken_off if (after := self._after(killed_at, piece))
        )

    def _after(self, killed_at: float, broken_off: Piece) -> list[float]:
        return [
            piece.began - killed_at
            for piece in self.engine.pieces
            if piece.pull == broken_off.pull and piece.began > killed_at and piece.who != broken_off.who
        ]

    def __str__(self) -> str:
        found = self.seconds()
        if not found:
            return "nothing was interrupted"
        median, longest = statistics.median(found), found[-1]
        shares = f"{median / BOUND:.0%} (median) and {longest / BOUND:.0%} (longest) of the bound"
        return f"{len(found)} interrupted steps taken up after {median:.1f} s and {longest:.1f} s: {shares}"
