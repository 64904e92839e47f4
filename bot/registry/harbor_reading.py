"""Reads Harbor's answers as values. Pure; whatever is not as published counts as unknown.

https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.model.scan import Scan, Severity

REPORTS = (
    "application/vnd.security.vulnerability.report; version=1.1",
    "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0",
)
"""Formats of vulnerability reports, newest first."""


class ScanState(StrEnum):
    """The state of a scan."""

    NONE = "none"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


# https://github.com/goharbor/harbor/blob/main/src/jobservice/job/status.go
_STATES = {
    "pending": ScanState.RUNNING,
    "scheduled": ScanState.RUNNING,
    "running": ScanState.RUNNING,
    "success": ScanState.DONE,
    "error": ScanState.FAILED,
    "stopped": ScanState.FAILED,
}


@dataclass(frozen=True, slots=True)
class Artifact:
    """One artifact: its digest, size in bytes, tags, and the result of its vulnerability scan."""

    digest: str
    size: int
    tags: tuple[str, ...]
    scan_state: ScanState
    scan: Scan | None


def artifact(data: Any) -> Artifact | None:
    """Read an artifact; None if the data is not one."""
    if not isinstance(data, Mapping) or not isinstance(data.get("digest"), str):
        return None
    report = _report(data.get("scan_overview"))
    scan_state = _STATES.get(str(report.get("scan_status", "")).lower(), ScanState.NONE)
    return Artifact(
        digest=data["digest"],
        size=_count(data.get("size")),
        tags=tuple(str(tag["name"]) for tag in data.get("tags") or () if "name" in tag),
        scan_state=scan_state,
        scan=_scan(report) if scan_state is ScanState.DONE else None,
    )


def unhealthy(data: Any, parts: frozenset[str]) -> tuple[str, ...]:
    """Return which of these components are unhealthy by an answer about Harbor's health."""
    found = data.get("components") if isinstance(data, Mapping) else None
    components = [one for one in found or () if isinstance(one, Mapping)]
    return tuple(
        sorted(
            str(one.get("name"))
            for one in components
            if one.get("status") != "healthy" and one.get("name") in parts
        )
    )


def _report(overview: Any) -> Mapping[str, Any]:
    if not isinstance(overview, Mapping):
        return {}
    found = [overview[kind] for kind in (*REPORTS, *overview) if kind in overview]
    return next((one for one in found if isinstance(one, Mapping)), {})


def _scan(report: Mapping[str, Any]) -> Scan:
    summary = report.get("summary")
    numbers = summary.get("summary") if isinstance(summary, Mapping) else None
    counts: dict[Severity, int] = {}
    for name, value in (numbers or {}).items():
        severity = _severity(str(name))
        counts[severity] = counts.get(severity, 0) + _count(value)
    ordered = {severity: counts[severity] for severity in Severity if counts.get(severity)}
    fixable = _count(summary.get("fixable")) if isinstance(summary, Mapping) else 0
    return Scan(ordered, fixable, _scanner(report.get("scanner")))


def _severity(name: str) -> Severity:
    known = name.lower()
    return Severity(known) if known in set(Severity) else Severity.UNKNOWN


def _scanner(found: Any) -> str:
    if not isinstance(found, Mapping):
        return ""
    return " ".join(str(found[key]) for key in ("name", "version") if found.get(key))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
