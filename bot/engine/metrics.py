"""What the engine tells of itself to be counted; nothing depends on its being heard."""

from typing import Protocol

from bot.model.run import RunState, StepState


class Metrics(Protocol):
    """Whoever counts."""

    def step_ended(self, step: str, outcome: StepState, seconds: float) -> None:
        """Count a step of a run."""
        ...

    def run_ended(self, outcome: RunState) -> None:
        """Count a run."""
        ...

    def lease_lost(self) -> None:
        """Count that this replica had to drop everything that it held."""
        ...

    def taken_over(self) -> None:
        """Count that this replica found another one dead."""
        ...

    def comment_retried(self) -> None:
        """Count that words have to wait for Gitee."""
        ...

    def removed(self, kind: str, count: int) -> None:
        """Count what was kept for long enough: logs, reports, runs or deliveries."""
        ...


class NullMetrics:
    """Counts nothing."""

    def step_ended(self, step: str, outcome: StepState, seconds: float) -> None:
        """Do nothing."""

    def run_ended(self, outcome: RunState) -> None:
        """Do nothing."""

    def lease_lost(self) -> None:
        """Do nothing."""

    def taken_over(self) -> None:
        """Do nothing."""

    def comment_retried(self) -> None:
        """Do nothing."""

    def removed(self, kind: str, count: int) -> None:
        """Do nothing."""


NULL_METRICS: Metrics = NullMetrics()
