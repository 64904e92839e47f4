"""All files of runs: logs that grow, results of test suites, and the HTML report made of them."""

import asyncio
import codecs
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.results.masking import Masker
from bot.file_store import FileStore
from bot.model.errors import RetryLater
from bot.model.report import Report
from bot.model.text import Language
from bot.reports import paths
from bot.reports.log import SIZE_LIMIT, StepLog
from bot.reports.page import ReportPage
from bot.reports.results import SuiteResults, files_of, masked, read_all

logger = logging.getLogger(__name__)

_PATIENCE = 1.0
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
        store: FileStore,
        masks: Sequence[str] = (),
        *,
        language: Language = Language.ZH,
        log_limit: int = SIZE_LIMIT,
    ) -> None:
        self.store = store
        self._masker = Masker(masks)
        self._page = ReportPage(language)
        self._log_limit = log_limit
        self._saving = asyncio.Lock()

    def log(self, run: int, step: str) -> StepLog:
        """Open the live log of a step for appending."""
        return StepLog(self.store.open_append(run, paths.log(step)), self._masker, self._log_limit)

    async def flush(self, run: int, step: str) -> None:
        """Return when all that was written to a log so far is where every page finds it."""
        await self.store.flush(run, paths.log(step))

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        """Keep a suite's results and the files it has made, and renew the run's HTML report.

        `about` says in a line what was tested; it heads the report.
        """
        results = SuiteResults(suite, masked(report, self._masker), about)
        kept = await asyncio.to_thread(self._kept, results, files)
        async with self._saving:
            while True:
                try:
                    return await self._save(run, f"{paths.suite(suite)}/", kept)
                except RetryLater as error:
                    # To give up would have the whole suite run again.
                    logger.warning("run %s waits with a report: %s", run, error)
                await asyncio.sleep(_PATIENCE)

    async def read_log(self, run: int, step: str, offset: int, limit: int) -> LogChunk:
        """Return at most `limit` bytes of a log from `offset` on, cut between characters."""
        begin = max(offset, 0)
        size = min(max(limit, _LONGEST_CHARACTER), _MOST_BYTES_READ)
        try:
            data = await self.store.read(run, paths.log(step), begin, size)
        except ValueError:
            return LogChunk("", begin)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(data)
        return LogChunk(text, begin + len(data) - len(decoder.getstate()[0]))

    async def tail(self, run: int, step: str, limit: int) -> str:
        """Return whole lines from the last `limit` bytes of a log; a line that alone is longer is cut."""
        name = paths.log(step)
        begin = max(await self.store.size(run, name) - limit, 0)
        text = (await self.store.read(run, name, begin, limit)).decode(errors="ignore")
        return (text.partition("\n")[2] or text) if begin else text

    async def has_report(self, run: int) -> bool:
        """Whether a run has an HTML report."""
        return paths.REPORT in await self.store.names(run)

    async def report(self, run: int) -> bytes | None:
        """Return a run's HTML report, if there is one."""
        return await self.store.read(run, paths.REPORT) or None

    async def own_report(self, run: int, name: str) -> bytes | None:
        """Return an HTML report that a suite has made itself, if there is one."""
        return (await self.store.read(run, name) or None) if paths.is_own_page(name) else None

    async def _save(self, run: int, beginning: str, kept: Mapping[str, bytes]) -> None:
        store = self.store
        await store.put(run, kept)
        names = await store.names(run)
        await store.remove(run, [name for name in names if name.startswith(beginning) and name not in kept])
        told = [await store.read(run, name) for name in names if name.endswith(paths.RESULTS)]
        page = await asyncio.to_thread(lambda: self._page.render(run, read_all(told)))
        await store.put(run, {paths.REPORT: page.encode("utf-8", "replace")})

    def _kept(self, results: SuiteResults, files: Mapping[str, bytes]) -> dict[str, bytes]:
        return files_of(results, {name: self._masked(data) for name, data in files.items()})

    def _masked(self, data: bytes) -> bytes:
        return self._masker.mask(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
