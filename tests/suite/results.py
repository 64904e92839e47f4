"""Outcomes and durations of tests, read from pytest's JUnit XML."""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

FAILED = "failed"
PASSED = "passed"
SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """The result of one test; a test has two if both it and its teardown failed."""

    name: str
    outcome: str
    seconds: float


def read(report: Path) -> list[Result]:
    """Return the results of a report; none if it does not exist, because pytest was killed."""
    if not report.exists():
        return []
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it
    return [Result(_name(case), _outcome(case), float(case.get("time", "0"))) for case in cases]


def _name(case: ET.Element) -> str:
    """Return the test's node id: file, classes and function."""
    file = case.get("file", "")
    owner = case.get("classname", "").removeprefix(file.removesuffix(".py").replace("/", "."))
    return "::".join(part for part in (file, *owner.split("."), case.get("name", "")) if part)


def _outcome(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED
    return SKIPPED if case.find("skipped") is not None else PASSED
