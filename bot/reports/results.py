"""Results of test suites on disk: `report.json` for machines, the XML files as they came."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bot.core.masking import Masker
from bot.model.report import Case, CaseState, Report
from bot.reports.paths import slug

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


def write(folder: Path, results: SuiteResults, files: Mapping[str, bytes]) -> None:
    """Keep a suite's results, in the place of those of an earlier attempt."""
    shutil.rmtree(folder / "xml", ignore_errors=True)
    (folder / "xml").mkdir(parents=True)
    room = _MOST_BYTES
    for number, (name, data) in enumerate(sorted(files.items())[:_MOST_FILES], 1):
        room -= len(data)
        if room >= 0:
            stem = name.removesuffix(".xml")
            (folder / "xml" / f"{number:03d}-{slug(stem)}.xml").write_bytes(data)
    replace_file(folder / "report.json", json.dumps(_json(results), ensure_ascii=True))


def read_all(folder: Path) -> tuple[SuiteResults, ...]:
    """Return the results of all suites of a run, by name."""
    found = [_read(file) for file in sorted(folder.glob("*/report.json"))]
    return tuple(sorted(found, key=lambda results: results.name))


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


def _read(file: Path) -> SuiteResults:
    data = json.loads(file.read_text("utf-8"))
    cases: Sequence[dict[str, Any]] = data["cases"]
    kept = tuple(Case(**{**case, "state": CaseState(case["state"])}) for case in cases)
    return SuiteResults(data["suite"], Report(kept, data["truncated"]), data["about"])


def replace_file(file: Path, text: str) -> None:
    """Write a file so that readers see the old one or the new one, never half of it."""
    unfinished = file.with_suffix(".new")
    unfinished.write_text(text, "utf-8", errors="replace")
    unfinished.replace(file)
