"""Results of test suites as files: `report.json` for machines, the XML files as they came."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.core.masking import Masker
from bot.model.report import Case, CaseState, Report
from bot.reports import paths

_MOST_FILES = 500
_MOST_BYTES = 64 << 20
FORMAT = 1


@dataclass(frozen=True, slots=True)
class SuiteResults:
    """One suite of a run by the name that the repository gave it."""

    name: str
    report: Report
    about: str = ""
    """What was tested, in a line."""


def masked(report: Report, masker: Masker) -> Report:
    """Return the report without secrets in any of its strings."""
    return replace(report, cases=tuple(_masked(case, masker) for case in report.cases))


def _masked(case: Case, masker: Masker) -> Case:
    return replace(
        case,
        suite=masker.mask(case.suite),
        name=masker.mask(case.name),
        message=masker.mask(case.message),
        details=masker.mask(case.details),
        output=masker.mask(case.output),
    )


def files_of(results: SuiteResults, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what to keep of a suite, by name: its results, and the XML as far as it is not too much."""
    folder = paths.suite(results.name)
    kept = {f"{folder}{paths.RESULTS}": json.dumps(_json(results), ensure_ascii=True).encode()}
    room = _MOST_BYTES
    for number, (name, data) in enumerate(sorted(files.items())[:_MOST_FILES], 1):
        room -= len(data)
        if room >= 0:
            kept[f"{folder}/xml/{number:03d}-{paths.slug(name.removesuffix('.xml'))}.xml"] = data
    return kept


def read_all(contents: Iterable[bytes]) -> tuple[SuiteResults, ...]:
    """Return the results of all suites of a run, by name."""
    return tuple(
        sorted((_read(content) for content in contents if content), key=lambda results: results.name)
    )


def _json(results: SuiteResults) -> dict[str, Any]:
    report = results.report
    return {
        "format": FORMAT,
        "suite": results.name,
        "about": results.about,
        "counts": {**asdict(report.counts), "total": report.counts.total},
        "truncated": report.truncated,
        "cases": [asdict(case) for case in report.cases],
    }


def _read(content: bytes) -> SuiteResults:
    data = json.loads(content)
    cases: Sequence[dict[str, Any]] = data["cases"]
    kept = tuple(Case(**{**case, "state": CaseState(case["state"])}) for case in cases)
    return SuiteResults(data["suite"], Report(kept, data["truncated"]), data["about"])
