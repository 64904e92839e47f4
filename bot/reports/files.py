"""The files of runs: live logs, results of test suites, and the HTML report made from them."""

import asyncio
import codecs
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.results.masking import Masker
from bot.file_store import FileStore
from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.model.limits import SandboxLimits
from bot.model.report import Report
from bot.model.text import Language
from bot.ports import Sandbox
from bot.reports import paths
from bot.reports.log import SIZE_LIMIT, StepLog
from bot.reports.page import compiled, page
from bot.reports.results import SuiteResults, stored

logger = logging.getLogger(__name__)

STORING = SandboxLimits(seconds=60, memory=1 << 30, output=256 << 20, inline=64 << 10)
SHOWING = SandboxLimits(seconds=60, memory=1 << 30, output=64 << 20, inline=64 << 10)
_RETRY_SECONDS = 1.0
_MOST_BYTES_READ = 4 << 20
_LONGEST_CHARACTER = 4
"""Bytes of UTF-8: a shorter read might return no character, and never advance."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of a log. `next_offset` is in bytes; without more output it equals the requested offset."""

    text: str
    next_offset: int


class RunFiles:
    """Implements ports.Reports, and reads files for pages."""

    def __init__(
        self,
        store: FileStore,
        sandbox: Sandbox,
        masker: Masker | None = None,
        *,
        language: Language = Language.ZH,
        log_limit: int = SIZE_LIMIT,
    ) -> None:
        self.store = store
        self._masker = masker or Masker(())
        self._language = language
        self._sandbox = sandbox
        self._log_limit = log_limit
        self._saving = asyncio.Lock()

    def log(self, run: int, step: str) -> StepLog:
        """Open the live log of a step for appending."""
        return StepLog(self.store.open_append(run, paths.log(step)), self._masker, self._log_limit)

    async def clear(self, run: int, lease: Lease) -> None:
        """Remove what a run of a lost store with this number has left, as long as the lease holds the run."""
        try:
            await self.store.clear(run, lease)
        except OSError as error:
            logger.warning("run %s: files of an earlier run could not be removed: %s", run, error)

    async def flush(self, run: int, step: str) -> None:
        """Return when everything written to a log so far can be read by every replica."""
        await self.store.flush(run, paths.log(step))

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        """Store a suite's results and its own files, and write the run's HTML report again.

        `about` says on one line what was tested; it is the report's heading.
        """
        results = SuiteResults(suite, report, about)
        kept = await self._sandbox.call(
            STORING, suite, stored, self._masker.secrets, results=results, files=dict(files)
        )
        async with self._saving:
            while True:
                try:
                    return await self._save(run, f"{paths.suite(suite)}/", kept)
                except RetryLater as error:
                    # Giving up would mean running the whole suite again.
                    logger.warning("run %s waits to store a report: %s", run, error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def read_log(self, run: int, step: str, offset: int, limit: int) -> LogChunk:
        """Return at most `limit` bytes of a log from `offset`, without splitting a character."""
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

    async def keep_service(self, run: int, name: str, text: str) -> None:
        """Store the last output of a service that is about to be removed."""
        await self.store.put(run, {paths.service(name): self._masker.mask_cut(text).encode()})

    async def kept_services(self, run: int) -> tuple[str, ...]:
        """Return the names of the services whose output was kept."""
        return paths.services(await self.store.names(run))

    async def kept_service(self, run: int, name: str) -> str | None:
        """Return what was kept of a service's output."""
        return (await self.store.read(run, paths.service(name))).decode(errors="replace") or None

    async def has_report(self, run: int) -> bool:
        """Return whether a run has an HTML report."""
        return paths.REPORT in await self.store.names(run)

    async def report(self, run: int) -> bytes | None:
        """Return a run's HTML report, if it has one."""
        return await self.store.read(run, paths.REPORT) or None

    async def own_page(self, run: int, name: str) -> str | None:
        """Return the name of an HTML report of a suite, by that name or by its own name in the suite."""
        return paths.own_page(name, await self.store.names(run))

    async def own_report(self, run: int, name: str) -> bytes | None:
        """Return an HTML report that a suite has written itself, if it exists."""
        return (await self.store.read(run, name) or None) if paths.is_own_page(name) else None

    async def _save(self, run: int, beginning: str, kept: Mapping[str, bytes]) -> None:
        store = self.store
        await store.put(run, kept)
        names = await store.names(run)
        await store.remove(run, [name for name in names if name.startswith(beginning) and name not in kept])
        results = [await store.read(run, name) for name in names if name.endswith(paths.RESULTS)]
        await asyncio.to_thread(compiled, self._language)
        shown = await self._sandbox.call(SHOWING, paths.REPORT, page, self._language, run, results)
        await store.put(run, {paths.REPORT: shown})
