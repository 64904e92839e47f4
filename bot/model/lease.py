"""Who may act on what several replicas share: proven by a value that only the store can make."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """A replica's word to the others that it lives; what it has in hand is marked with its name."""

    replica: str


class LeaseLost(Exception):  # noqa: N818 - named by what happened
    """What this replica had in hand is another's by now: it is dropped, and nothing more is said or done."""


@dataclass(frozen=True, slots=True)
class Members:
    """The replicas that are known, in order of their coming, each with a number that grows as it lives."""

    heartbeats: Mapping[str, int]

    @property
    def leader(self) -> str:
        """The replica that does what one does for all; anything it does bears being done twice."""
        return next(iter(self.heartbeats), "")
