"""Which deployment answers while a new one starts beside it, and after the new one has failed."""

from collections.abc import Collection

from bot.model.environment import Environment, EnvironmentState
from bot.model.holder import LAST, Holder
from bot.model.pipeline import DataLifetime, RunnerName
from bot.model.plan import Deploy


def stays(known: Environment | None, step: Deploy, side_by_side: Collection[RunnerName]) -> bool:
    """Return whether the present deployment answers until the new one does; otherwise it is replaced.

    It is replaced if it does not work, if another store knows the run that deployed it, or if its data is
    kept: no two databases may use it at once. `side_by_side` are the runners that can have both.
    """
    runner = step.config.runner
    return (
        known is not None
        and known.state is EnvironmentState.READY
        and known.adopted is None
        and known.runner is runner
        and runner in side_by_side
        and not step.config.replace
        and step.config.data is DataLifetime.FRESH
    )


def present(known: Environment) -> Holder | None:
    """Return whose deployment answers, None if none does or if only another store knows it."""
    ready = known.state is EnvironmentState.READY and known.adopted is None
    return Holder(known.run, LAST) if ready else None
