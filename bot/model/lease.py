"""Leases, by which a replica proves that it may act on what several replicas share; the store grants them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """The membership of a replica. What the replica holds carries its name."""

    replica: str


class LeaseLost(Exception):  # noqa: N818 - named by what happened
    """Another replica may hold what this one held. Stop working on it, and write nothing more about it."""


@dataclass(frozen=True, slots=True)
class Members:
    """The replicas in the order in which they joined."""

    names: tuple[str, ...] = ()
    silent: frozenset[str] = frozenset()
    """Those of them that no longer live."""

    @property
    def leader(self) -> str:
        """Name of the leader, the oldest replica. There may be two for a moment: its tasks are idempotent."""
        return next(iter(self.names), "")
