"""Finds differences between runs of the same tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.suite.results import FAILED, PASSED

ABSENT = "not run"
COMPLETE = (0, 1)
"""Exit statuses of a complete run: all passed, some failed."""


@dataclass(frozen=True)
class Run:
    """One run of pytest: its seed, log, exit status, and the outcome of each test."""

    seed: int
    log: str
    status: int
    outcomes: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether pytest ran everything that it was asked to."""
        return self.status in COMPLETE


def differences(runs: Sequence[Run]) -> list[str]:
    """Describe each incomplete run, and each test that failed or whose outcome differs between runs."""
    names = sorted({name for run in runs for name in run.outcomes})
    incomplete = [f"pytest ended with status {run.status}: {_where(run)}" for run in runs if not run.complete]
    return incomplete + [line for name in names for line in _difference(name, runs)]


def _difference(name: str, runs: Sequence[Run]) -> list[str]:
    ended = [(run, run.outcomes.get(name, ABSENT)) for run in runs if run.complete or name in run.outcomes]
    outcomes = {outcome for _, outcome in ended}
    if len(outcomes) == 1 and FAILED not in outcomes:
        return []
    passed = sum(outcome == PASSED for _, outcome in ended)
    others = [f"    {outcome}: {_where(run)}" for run, outcome in ended if outcome != PASSED]
    return [f"{name} passed {passed} of {len(ended)}", *others]


def _where(run: Run) -> str:
    return f"seed {run.seed}, {run.log}"
