"""Who created something at a runner."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Holder:
    """A run and its attempt, which everything that they create carries. A later one compares greater."""

    run: int
    attempt: int = 0
    """Number of earlier attempts of the run, by this replica or by others, that were interrupted."""
    store: str = ""
    """Identity of the store that gave out the run's number; empty if unknown."""


LAST = sys.maxsize
"""Later than every run and attempt."""
ANYONE = Holder(LAST, LAST)
"""May remove whatever any run has created, as a person does who asks for it."""
