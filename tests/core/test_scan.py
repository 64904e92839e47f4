import pytest

from bot.model.scan import Scan, Severity


@pytest.mark.parametrize(
    ("severity", "count"),
    [(Severity.CRITICAL, 1), (Severity.HIGH, 3), (Severity.MEDIUM, 3), (Severity.UNKNOWN, 7)],
)
def test_a_threshold_includes_higher_severities(severity: Severity, count: int) -> None:
    scan = Scan({Severity.CRITICAL: 1, Severity.HIGH: 2, Severity.LOW: 4})

    assert scan.at_least(severity) == count
    assert scan.total == 7
