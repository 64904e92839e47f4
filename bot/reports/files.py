"""All files of runs: logs that grow, results of test suites, and the HTML report made of them."""

import asyncio
import codecs
import logging
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import time

from bot.core.masking import Masker
from bot.model.report import Report
from bot.model.text import Language
from bot.reports import paths
from bot.reports.log import SIZE_LIMIT, StepLog
from bot.reports.page import ReportPage
from bot.reports.results import SuiteResults, masked, read_all, replace_file, write

logger = logging.getLogger(__name__)

_MOST_BYTES_READ = 4 << 20
_LONGEST_CHARACTER = 4
"""Bytes of UTF-8: a smaller read might never get on."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of a log; `next_offset` counts bytes and equals the offset asked for when there is no more."""

    text: str
    next_offset: int


class RunFiles:
    """Implements ports.Reports, and the reading side for the web. `masks` are secrets to hide."""

    def __init__(
        self,
        data_dir: Path,
        masks: Sequence[str] = (),
        *,
        language: Language = Language.ZH,
        log_limit: int = SIZE_LIMIT,
    ) -> None:
        self._data_dir = data_dir
        self._masker = Masker(masks)
        self._page = ReportPage(language)
        self._log_limit = log_limit
        self._saving = threading.Lock()

    def log(self, run: int, step: str) -> StepLog:
        """Open the live log of a step for appending."""
        return StepLog(paths.log_file(self._data_dir, run, step), self._masker, self._log_limit)

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        """Keep a suite's results and the XML they came from, and renew the run's HTML report.

        `about` says in a line what was tested; it heads the report.
        """
        results = SuiteResults(suite, masked(report, self._masker), about)
        await asyncio.to_thread(self._save, run, results, files)

    def read_log(self, run: int, step: str, offset: int, limit: int) -> LogChunk:
        """Return at most `limit` bytes of a log from `offset` on, cut between characters."""
        size = min(max(limit, _LONGEST_CHARACTER), _MOST_BYTES_READ)
        try:
            with paths.log_file(self._data_dir, run, step).open("rb") as file:
                file.seek(max(offset, 0))
                data = file.read(size)
        except (OSError, ValueError, OverflowError):
            return LogChunk("", max(offset, 0))
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(data)
        return LogChunk(text, max(offset, 0) + len(data) - len(decoder.getstate()[0]))

    def report_html(self, run: int) -> Path | None:
        """Return the file of a run's HTML report, if there is one."""
        file = paths.report_file(self._data_dir, run)
        return file if file.is_file() else None

    def remove(self, run: int) -> None:
        """Remove everything of a run; nothing there is fine."""
        shutil.rmtree(paths.run_folder(self._data_dir, run), ignore_errors=True)

    def prune(self, older_than: timedelta) -> int:
        """Remove the runs in which nothing was written for so long; return how many."""
        limit = time() - older_than.total_seconds()
        old = [folder for folder in self._data_dir.glob("runs/*") if _newest(folder) < limit]
        for folder in old:
            shutil.rmtree(folder, ignore_errors=True)
        return len(old)

    def _save(self, run: int, results: SuiteResults, files: Mapping[str, bytes]) -> None:
        folder = paths.suite_folder(self._data_dir, run, results.name)
        with self._saving:
            write(folder, results, {name: self._masked(data) for name, data in files.items()})
            page = self._page.render(run, read_all(folder.parent))
            replace_file(paths.report_file(self._data_dir, run), page)

    def _masked(self, data: bytes) -> bytes:
        return self._masker.mask(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _newest(folder: Path) -> float:
    """Return when something in a folder was written last."""
    try:
        return max(place.stat().st_mtime for place in (folder, *folder.rglob("*")))
    except OSError:
        return time()
