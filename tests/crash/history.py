"""What the runner, Gitee and the nemesis of a crash test saw, in the order in which it happened.

The bots write none of it: the doubles append each effect when it happens. A bot only says who it is: its
process and the name of its lease.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from time import monotonic

from bot.model.holder import Holder

NOBODY = Holder(0)
"""Of a call that names no run."""


class Phase(StrEnum):
    """What a call at the runner has come to."""

    BEGAN = "began"
    CHANGED = "changed"
    REFUSED = "refused"
    """Its effect is fenced: what is there belongs to a later run or attempt."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RunnerEvent:
    """One phase of a call. `at` is in seconds of the monotonic clock, `call` numbers the calls."""

    at: float
    call: int
    phase: Phase
    operation: str
    pull: str
    pid: int
    lease: str
    holder: Holder = NOBODY


@dataclass(frozen=True, slots=True)
class CommentEvent:
    """A request of a bot on which Gitee has acted. `delayed` and `repeated` are the nemesis's doing."""

    at: float
    method: str
    path: str
    status: int
    replica: int
    lease: str
    body: str = ""
    delayed: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """The beginning or the end of a fault. `pid` is the process that it concerns, 0 if there are several."""

    at: float
    kind: str
    begins: bool
    pid: int = 0
    detail: str = ""


Event = RunnerEvent | CommentEvent | FaultEvent


@dataclass
class History:
    """The log of one crash test."""

    events: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)

    def fault(self, kind: str, *, begins: bool, pid: int = 0, detail: str = "") -> None:
        """Append the beginning or the end of a fault."""
        self.add(FaultEvent(monotonic(), kind, begins, pid, detail))

    def faults(self) -> Iterator[FaultEvent]:
        """Yield the beginnings of all faults."""
        return (one for one in self.events if isinstance(one, FaultEvent) and one.begins)

    def write(self, file: Path) -> None:
        """Write it to a file, one event a line, for people who look for the cause of a failure."""
        lines = (json.dumps({"event": type(one).__name__, **asdict(one)}) for one in self.events)
        file.write_text("\n".join(lines))
