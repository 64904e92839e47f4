"""How much there is of everything in the store, for whoever watches the bot."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.model.run import RunState


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Counted at one moment, for all replicas together."""

    runs: Mapping[RunState, int]
    waiting: int
    """Runs that no replica has in hand."""
    deliveries: int
    """Deliveries that wait for their decision."""
    unshown: int
    """Runs whose comments are behind."""
    replicas: int
