"""The script of a history, a value that the seed determines: what people do, and what goes wrong when."""

import json
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

SECONDS = 30.0
"""How long people act and things go wrong."""
BUSY = -1
COMMANDS = ("/test", "/deploy", "/build", "/cancel", "/status", "/help", "/teardown")
TRAFFIC = {"open": 4, "push": 3, "say": 5, "close": 1}
FAULTS = {
    "pause": 9,
    "cut store": 9,
    "cut gitee": 1,
    "cut runner": 1,
    "kill": 4,
    "slow store": 4,
    "clock of store": 1,
    "stop": 1,
    "restart store": 2,
    "freeze store": 1,
    "read-only store": 1,
    "gitee down": 1,
    "gitee late": 5,
    "runner down": 1,
    "runner late": 2,
    "clock": 1,
}
"""Each with its weight."""
OF_LEASES = {"pause": 4, "cut store": 4, "kill": 1, "slow store": 2, "gitee late": 1}
"""Those of each third seed: they take runs from the replicas that execute them."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that people do or that goes wrong, `at` this many seconds from the start."""

    at: float
    kind: str
    replica: int = 0
    """Where it goes wrong, or which replica gets the webhook; `BUSY` for one that executes a run then."""
    seconds: float = 0.0
    """How long it lasts; by how much a clock is wrong."""
    pull: int = 0
    """Which of the open pull requests people choose, counted from the newest."""
    detail: str = ""
    """What is lost on a connection, or what people write."""


@dataclass(frozen=True, slots=True)
class Script:
    """A whole history. The seed also decides what the script does not say, such as each request's time."""

    seed: int
    replicas: int
    acts: tuple[Act, ...]

    def without(self, dropped: Iterable[int]) -> "Script":
        """Return the script without the acts at these positions."""
        gone = frozenset(dropped)
        return replace(self, acts=tuple(act for i, act in enumerate(self.acts) if i not in gone))

    def text(self) -> str:
        """Return it as JSON, one act a line."""
        acts = ",\n".join(json.dumps(asdict(act)) for act in self.acts)
        return f'{{"seed": {self.seed}, "replicas": {self.replicas}, "acts": [\n{acts}\n]}}\n'


def read(file: Path) -> Script:
    """Read a script that was kept."""
    found = json.loads(file.read_text())
    return Script(found["seed"], found["replicas"], tuple(Act(**act) for act in found["acts"]))


def script(seed: int) -> Script:
    """Return the script of a seed."""
    chance = random.Random(f"script {seed}")  # noqa: S311 - no secret
    replicas, harsh = chance.choice((2, 3, 3)), seed % 3 == 0
    people = [_traffic(chance, replicas) for _ in range(chance.randint(2, 6))]
    faults = [
        _fault_of_lease(chance) if harsh else _fault(chance, replicas) for _ in range(chance.randint(2, 6))
    ]
    first = Act(round(chance.uniform(0.5, 3), 3), "open", chance.randrange(replicas))
    return Script(seed, replicas, tuple(sorted((first, *people, *faults), key=lambda act: act.at)))


def _fault_of_lease(chance: random.Random) -> Act:
    kind = _one_of(chance, OF_LEASES)
    return Act(
        at=round(chance.uniform(3, 20), 3),
        kind=kind,
        replica=BUSY,
        seconds=round(chance.uniform(8.5, 28), 3),
        detail=chance.choice(("requests", "answers", "both")) if kind == "cut store" else "",
    )


def _traffic(chance: random.Random, replicas: int) -> Act:
    kind = _one_of(chance, TRAFFIC)
    return Act(
        at=round(chance.uniform(2, SECONDS), 3),
        kind=kind,
        replica=chance.randrange(replicas),
        pull=chance.choice((0, 0, 0, 1, 2)),
        detail=chance.choice(COMMANDS) if kind == "say" else "",
    )


def _fault(chance: random.Random, replicas: int) -> Act:
    kind = _one_of(chance, FAULTS)
    lasts = chance.uniform(0.2, 6) if chance.random() < 0.3 else chance.uniform(8, 25)
    if kind.startswith("clock"):
        lasts = chance.uniform(-30, 30)
    return Act(
        at=round(chance.uniform(1, SECONDS - 5), 3),
        kind=kind,
        replica=BUSY if chance.random() < 0.6 else chance.randrange(replicas),
        seconds=round(lasts, 3),
        detail=chance.choice(("requests", "answers", "both", "both")) if kind.startswith("cut") else "",
    )


def _one_of(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), weights=list(weights.values()))[0]
