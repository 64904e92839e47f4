"""What the engine reports to be counted. Nothing depends on it."""

from bot.model.run import RunState, StepState


class Metrics:
    """Counts nothing; a subclass overrides what it counts."""

    def step_ended(self, step: str, outcome: StepState, seconds: float) -> None:
        """Count a step that ended, and the time that it took."""

    def run_ended(self, outcome: RunState) -> None:
        """Count a run that ended."""

    def lease_lost(self) -> None:
        """Count that this replica lost its lease and dropped its work."""

    def replica_evicted(self) -> None:
        """Count that this replica evicted a stalled one."""

    def delivery_given_up(self, reason: str) -> None:
        """Count a delivery that could not be decided; `reason` is a `Reason`."""

    def comment_retried(self) -> None:
        """Count that a comment update failed and waits for its next attempt."""

    def lost_run_reported(self) -> None:
        """Count a comment that says now that its run is lost."""

    def other_bot_found(self) -> None:
        """Count a repository in which another bot works as well."""

    def removed(self, kind: str, count: int) -> None:
        """Count what retention removed; `kind` is logs, reports, runs or deliveries."""

    def disk_measured(self, name: str, free: int) -> None:
        """Take the free bytes of a disk; `name` is data or the name of a runner."""


NO_METRICS = Metrics()
