"""Which faults a crash test has: what, where, when and for how long, follows from a seed."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.crash.gitee_link import Trouble

READY_FIRST = 0.8
"""Probability that a bot completes its start before the next fault."""
LIFE = (0.0, 0.6)
"""Shortest and longest time in seconds that a bot works before it is killed."""
SHORT, LONG = (2.0, 6.0), (9.0, 20.0)
"""Durations of faults in seconds: a lease survives the short ones."""
SHORT_SHARE = 0.65
PAUSE, REST = 1.4, 6.0
"""Mean time in seconds between two faults of a lane, and between two of the store, which stop all bots."""


class Kind(StrEnum):
    """A fault of a bot, of its connection, or of the store; those of Gitee are `Trouble`s."""

    KILLED = "killed"
    TERMINATED = "asked to end"
    FROZEN = "frozen"
    FROZEN_INSIDE = "frozen before a commit"
    MUTE = "cut off from the store"
    REQUESTS_LOST = "requests to the store lost"
    ANSWERS_LOST = "answers of the store lost"
    RESTARTED = "store restarted"
    CRASHED = "store crashed"
    STOPPED = "store frozen"
    READ_ONLY = "store read-only"
    FAILED_OVER = "store failed over"
    LOCKED = "file locked"
    FULL = "disk full"
    RESENT = "webhook sent again"


OF_BOT = (
    Kind.KILLED,
    Kind.TERMINATED,
    Kind.FROZEN,
    Kind.FROZEN_INSIDE,
    Kind.MUTE,
    Kind.REQUESTS_LOST,
    Kind.ANSWERS_LOST,
)
OF_GITEE = (*Trouble, Kind.RESENT)
OF_STORE = (Kind.RESTARTED, Kind.CRASHED, Kind.STOPPED, Kind.READ_ONLY, Kind.FAILED_OVER)
SHARED = (
    *(Kind.KILLED, Kind.FROZEN, Kind.FROZEN_INSIDE) * 3,
    *(Kind.TERMINATED, Kind.MUTE, Kind.REQUESTS_LOST, Kind.ANSWERS_LOST),
    *OF_STORE,
    *OF_GITEE,
)
"""Faults of several bots on PostgreSQL, as often as they shall happen in relation to each other."""
LONE = (*(Kind.KILLED,) * 6, Kind.TERMINATED, *(Kind.FROZEN,) * 2, Kind.LOCKED, Kind.FULL, *OF_GITEE)
"""Faults of one bot on SQLite."""
ENDING = {Kind.KILLED, Kind.TERMINATED}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `pause` seconds after the last one of its lane, on the bot with this index."""

    kind: Kind | Trouble
    replica: int
    pause: float
    seconds: float
    """How long it lasts; if it ends a bot, how long that has worked before."""
    times: int = 1
    ready_first: bool = True

    @property
    def lane(self) -> str:
        """Faults of one lane happen one after the other."""
        if self.kind in OF_BOT:
            return f"bot {self.replica}"
        return "gitee" if self.kind in OF_GITEE else "store"


MANY = 500
"""Faults from which on a test is to have had what it has planned: a few can find no occasion."""
ENOUGH = 0.8
"""Share of the planned faults that happen at least."""


def missing(planned: Sequence[Fault], happened: Mapping[str, int], frozen_inside: int) -> list[str]:
    """Return what a test with many faults lacks of its plan; `happened` counts the faults by kind."""
    wanted, total = {str(fault.kind) for fault in planned}, sum(happened.values())
    found = [f"“{kind}” was planned, and never happened" for kind in sorted(wanted) if not happened.get(kind)]
    if total < ENOUGH * len(planned):
        found.append(f"only {total} of {len(planned)} faults happened")
    if Kind.FROZEN_INSIDE in wanted and not frozen_inside:
        found.append("no bot was inside a transaction when it was frozen")
    return found


def plan(seed: object, count: int, deck: Sequence[Kind | Trouble], replicas: int) -> tuple[Fault, ...]:
    """Return the faults of a crash test: every kind of the deck before the deck is shuffled again."""
    chance = random.Random(f"{seed}")  # noqa: S311 - no secret
    drawn: list[Kind | Trouble] = []
    while len(drawn) < count:
        drawn += chance.sample(list(deck), len(deck))
    return tuple(_fault(kind, chance, replicas) for kind in drawn[:count])


def _fault(kind: Kind | Trouble, chance: random.Random, replicas: int) -> Fault:
    lasts = SHORT if chance.random() < SHORT_SHARE else LONG
    seconds = chance.uniform(*(LIFE if kind in ENDING else lasts))
    return Fault(
        kind,
        chance.randrange(replicas),
        chance.expovariate(1 / (REST if kind in OF_STORE else PAUSE)),
        seconds,
        chance.randint(1, 5) if kind in {Trouble.LIMITED, Trouble.FORBIDDEN} else 1,
        chance.random() < READY_FIRST,
    )
