"""What the sweep makes good, as a closed set of kinds for log and metrics."""

from enum import StrEnum
from typing import Protocol


class Repair(StrEnum):
    """One kind of repair."""

    EVENT = "missed_event"
    COMMAND = "missed_command"
    ITEM = "orphaned_item"
    TAGS = "orphaned_tags"
    ENVIRONMENT = "vanished_environment"
    TEARDOWN = "failed_teardown"


class Repaired(Protocol):
    """Counts repairs."""

    def __call__(self, kind: Repair, /) -> None:
        """Count one."""
        ...
