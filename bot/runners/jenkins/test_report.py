"""Parses the test results that Jenkins' junit step published. Every string is untrusted."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.core.results.cases import (
    LONGEST_MESSAGE,
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_CASES,
    MOST_FAILURES_BEYOND,
)
from bot.model.report import Case, CaseState, Report
from bot.runners.jenkins.responses import clean, decoded, dicts

CASES = "cases[className,name,status,duration,errorDetails,errorStackTrace,skippedMessage]"
TREE = f"suites[name,{CASES}],childReports[result[suites[name,{CASES}]]]"
LARGEST = 32 << 20

_STATES = {
    "PASSED": CaseState.PASSED,
    "FIXED": CaseState.PASSED,
    "FAILED": CaseState.FAILED,
    "REGRESSION": CaseState.FAILED,
    "SKIPPED": CaseState.SKIPPED,
}


def decode(body: bytes, path: str) -> Report | None:
    """Read a response; None if it is not a report. Raises RetryLater(JENKINS_UNAVAILABLE)."""
    data = decoded(body, path)
    return read(data) if isinstance(data, dict) else None


def read(data: Mapping[str, Any]) -> Report:
    """Parse `testReport/api/json`, including the aggregated reports of Maven jobs."""
    kept: list[Case] = []
    beyond, truncated = 0, False
    for case, suite in _cases(data):
        if len(kept) - beyond >= MOST_CASES:
            if beyond >= MOST_FAILURES_BEYOND or _state(case) is not CaseState.FAILED:
                truncated = True
                continue
            beyond += 1
        kept.append(_case(case, suite))
    return Report(tuple(kept), truncated=truncated)


def _cases(data: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the cases, each with the name of its suite."""
    for suite in dicts(data.get("suites")):
        name = _text(suite.get("name"), LONGEST_NAME)
        yield from ((case, name) for case in dicts(suite.get("cases")))
    for child in dicts(data.get("childReports")):
        result = child.get("result")
        if isinstance(result, dict):
            yield from _cases(result)


def _case(data: Mapping[str, Any], suite: str) -> Case:
    state = _state(data)
    details = data.get("skippedMessage" if state is CaseState.SKIPPED else "errorDetails")
    trace = _text(data.get("errorStackTrace"), LONGEST_TEXT)
    message = _text(details, LONGEST_MESSAGE).strip() or trace.partition("\n")[0]
    duration = data.get("duration")
    return Case(
        suite=_line(data.get("className")) or suite or "(unnamed)",
        name=_line(data.get("name")) or "(unnamed)",
        state=state,
        seconds=float(duration) if isinstance(duration, int | float) and 0 <= duration < 1e7 else 0.0,  # noqa: PLR2004 - nonsense beyond
        message=message,
        details=trace,
    )


def _state(data: Mapping[str, Any]) -> CaseState:
    return _STATES.get(str(data.get("status")), CaseState.FAILED)


def _line(value: Any) -> str:
    return " ".join(_text(value, LONGEST_NAME).split())


def _text(value: Any, limit: int) -> str:
    return clean(value, limit) if isinstance(value, str) else ""
