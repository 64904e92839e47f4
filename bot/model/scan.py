"""What a registry's scanner found in an image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad a vulnerability is, worst first, in Harbor's terms."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEGLIGIBLE = "negligible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Scan:
    """Known vulnerabilities by severity; those that are not named have none."""

    counts: Mapping[Severity, int] = field(default_factory=dict)
    fixable: int = 0
    """For how many of them a fixed version exists."""
    scanner: str = ""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    def at_least(self, severity: Severity) -> int:
        """How many are as bad as this or worse."""
        ranks = list(Severity)
        bad = ranks[: ranks.index(severity) + 1]
        return sum(self.counts.get(one, 0) for one in bad)
