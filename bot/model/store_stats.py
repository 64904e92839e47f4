"""Statistics of the store, for metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.model.environment import EnvironmentState
from bot.model.run import RunState


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Numbers of rows at one moment, for all replicas together."""

    runs: Mapping[RunState, int]
    environments: Mapping[EnvironmentState, int]
    """Without those that are removed."""
    waiting: int
    """Unfinished runs that no replica executes."""
    deliveries: int
    """Pending deliveries."""
    unshown: int
    """Runs whose comments show an older revision."""
    replicas: int
