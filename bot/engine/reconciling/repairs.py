"""The kinds of repairs that the sweep makes, for logs and metrics."""

from collections.abc import Callable
from enum import StrEnum


class Repair(StrEnum):
    """One kind of repair."""

    EVENT = "missed_event"
    COMMAND = "missed_command"
    APPROVAL = "revoked_approval"
    ITEM = "orphaned_item"
    TAGS = "orphaned_tags"
    ENVIRONMENT = "vanished_environment"
    TEARDOWN = "failed_teardown"
    ADOPTION = "adopted_environment"


Repaired = Callable[[Repair], None]
"""Counts one repair."""
