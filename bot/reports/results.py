"""The files of a test suite: its results as `report.json`, and its own files unchanged."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.core.results.masking import Masker
from bot.model.report import Case, CaseState, Report, UnreadableFile
from bot.model.run import TestCounts
from bot.reports import paths

_MOST_FILES = 500
_MOST_BYTES = 64 << 20
_MOST_OF_PAGES = 16 << 20
FORMAT = 1


@dataclass(frozen=True, slots=True)
class SuiteResults:
    """The results of one suite, by its name in `.chatops.yml`."""

    name: str
    report: Report
    about: str = ""
    """What was tested, on one line."""
    pages: tuple[tuple[str, str], ...] = ()
    """The suite's own HTML reports: their own names, and the names of their files."""


def stored(masks: Sequence[str], results: SuiteResults, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files to store for a suite, by name, with all secrets masked."""
    masker = Masker(masks)
    cases = tuple(_masked(case, masker) for case in results.report.cases)
    unreadable = tuple(
        replace(file, path=masker.mask(file.path), message=masker.mask(file.message))
        for file in results.report.unreadable
    )
    shown = replace(results, report=replace(results.report, cases=cases, unreadable=unreadable))
    return _files_of(shown, {name: _masked_bytes(data, masker) for name, data in files.items()})


def _masked_bytes(data: bytes, masker: Masker) -> bytes:
    return masker.mask(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _masked(case: Case, masker: Masker) -> Case:
    return replace(
        case,
        suite=masker.mask(case.suite),
        name=masker.mask(case.name),
        message=masker.mask(case.message),
        details=masker.mask(case.details),
        output=masker.mask(case.output),
    )


def _files_of(results: SuiteResults, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a suite, by name: its results, and its own files up to a limit."""
    folder = paths.suite(results.name)
    own = {name: data for name, data in files.items() if name.lower().endswith(paths.PAGE)}
    xml = {name: data for name, data in files.items() if name not in own}
    pages = _kept(own, f"{folder}/html/", paths.PAGE, _MOST_OF_PAGES)
    with_pages = replace(results, pages=tuple((name, where) for where, (name, _) in pages.items()))
    kept = {f"{folder}{paths.RESULTS}": json.dumps(_json(with_pages), ensure_ascii=True).encode()}
    for where, (_, data) in {**_kept(xml, f"{folder}/xml/", ".xml", _MOST_BYTES), **pages}.items():
        kept[where] = data
    return kept


def _kept(files: Mapping[str, bytes], beginning: str, suffix: str, room: int) -> dict[str, tuple[str, bytes]]:
    """Return the own names and contents of files, by the names under which they are stored."""
    found: dict[str, tuple[str, bytes]] = {}
    for number, (name, data) in enumerate(sorted(files.items())[:_MOST_FILES], 1):
        room -= len(data)
        if room >= 0:
            found[paths.numbered(beginning, number, name, suffix)] = (name, data)
    return found


def read_all(contents: Iterable[bytes]) -> tuple[SuiteResults, ...]:
    """Return the results of all suites of a run, sorted by name."""
    return tuple(
        sorted((_read(content) for content in contents if content), key=lambda results: results.name)
    )


def _json(results: SuiteResults) -> dict[str, Any]:
    report = results.report
    return {
        "format": FORMAT,
        "suite": results.name,
        "about": results.about,
        "pages": [list(page) for page in results.pages],
        "counts": {**asdict(report.counts), "total": report.counts.total},
        "truncated": report.truncated,
        "unreadable": [asdict(file) for file in report.unreadable],
        "unlisted": asdict(report.unlisted),
        "cases": [asdict(case) for case in report.cases],
    }


def _read(content: bytes) -> SuiteResults:
    data = json.loads(content)
    cases: Sequence[dict[str, Any]] = data["cases"]
    kept = tuple(Case(**{**case, "state": CaseState(case["state"])}) for case in cases)
    # Results written by earlier versions have none of these.
    pages = tuple((str(name), str(where)) for name, where in data.get("pages", ()))
    unreadable = tuple(UnreadableFile(**file) for file in data.get("unreadable", ()))
    unlisted = TestCounts(**data.get("unlisted", {}))
    report = Report(kept, data["truncated"], unreadable=unreadable, unlisted=unlisted)
    return SuiteResults(data["suite"], report, data["about"], pages)
