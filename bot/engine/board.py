"""Comments are shown here: found by their hidden marker, posted once, edited afterwards, latest state wins.

Kept apart from the runs so that a slow or failing Gitee delays words, never work.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.core.lifecycle import PATIENT_ATTEMPTS, retry_delay
from bot.engine.identity import Identity
from bot.engine.records import Records
from bot.model.errors import ChatOpsError, CommentRefused, RetryLater
from bot.model.forge import RepoPath
from bot.model.text import Language
from bot.model.views import Filtered, RunView, View
from bot.ports import Forge, Renderer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Posting:
    """A view to be shown under a pull request in the comment that carries `marker`."""

    repo: RepoPath
    number: int
    marker: str
    view: View
    language: Language


class Board:
    """Brings postings under their pull requests, one at a time per comment."""

    def __init__(
        self,
        forge: Forge,
        records: Records,
        renderer: Renderer,
        identity: Identity,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._forge = forge
        self._records = records
        self._renderer = renderer
        self._identity = identity
        self._sleep = sleep
        self._latest: dict[str, Posting] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    def show(self, posting: Posting) -> None:
        """Show this as soon as possible; an older state of the same comment that waits is dropped."""
        address = f"{posting.repo}!{posting.number} {posting.marker}"
        self._latest[address] = posting
        if address not in self._writers:
            self._writers[address] = asyncio.create_task(self._write(address), name=f"comment {address}")

    async def post(self, posting: Posting) -> None:
        """Show this before returning; for words that must not be lost. Raises what the forge raises."""
        await self._upsert(posting)

    async def flush(self) -> None:
        """Wait until everything that was shown is under its pull request or given up."""
        while self._writers:
            await asyncio.wait(list(self._writers.values()))

    async def close(self) -> None:
        """Stop writing; what was not shown is shown after the next start."""
        writers = list(self._writers.values())
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)

    async def _write(self, address: str) -> None:
        try:
            while address in self._latest:
                posting = self._latest.pop(address)
                await self._persist(address, posting)
        finally:
            del self._writers[address]

    async def _persist(self, address: str, posting: Posting) -> None:
        attempt = 1
        while True:
            try:
                await self._upsert(posting)
            except ChatOpsError as error:
                delay = _delay(attempt, error)
                if delay is None:
                    logger.error("comment %s could not be shown: %s", address, error)  # noqa: TRY400 - expected
                    return
            except Exception:
                logger.exception("comment %s could not be shown", address)
                return
            else:
                return
            await self._sleep(delay)
            posting = self._latest.pop(address, posting)
            attempt += 1

    async def _upsert(self, posting: Posting) -> None:
        body = self._renderer.render(posting.view, posting.language, posting.marker)
        try:
            await self._put(posting, body)
        except CommentRefused as error:
            # Gitee's word filter trips over logs and tables now and then; plain words still get through.
            logger.warning("plain words take the place of a refused comment: %s", error)
            plain = self._renderer.render(_plain(posting.view), posting.language, posting.marker)
            await self._put(posting, plain)

    async def _put(self, posting: Posting, body: str) -> None:
        repo, number, marker = posting.repo, posting.number, posting.marker
        digest = hashlib.sha256(body.encode()).hexdigest()
        known = await self._records.pulls.comment(repo, number, marker)
        if known is not None and known[1] == digest and known[0]:
            return
        comment_id = known[0] if known else 0
        if known is not None and not comment_id:
            found = await self._forge.find_comment(repo, number, marker, await self._identity.login())
            comment_id = found.id if found else 0
        if comment_id and not await self._forge.edit_comment(repo, comment_id, body):
            logger.info("comment %s of %s!%s was deleted by someone: left so", comment_id, repo, number)
        if not comment_id:
            # The intention is kept first: a bot that dies now looks for its comment before posting another.
            await self._records.pulls.put_comment(repo, number, marker, 0, "")
            comment_id = await self._forge.post_comment(repo, number, body)
        await self._records.pulls.put_comment(repo, number, marker, comment_id, digest)
        if isinstance(posting.view, RunView):
            await self._records.runs.set_comment(posting.view.run.id, comment_id)


def _plain(view: View) -> Filtered:
    return Filtered(view.run, view.links) if isinstance(view, RunView) else Filtered()


def _delay(attempt: int, error: ChatOpsError) -> float | None:
    """Return after how many seconds to try again; a token that was refused may be mended meanwhile."""
    if isinstance(error, RetryLater):
        return retry_delay(attempt, error.delay, attempts=PATIENT_ATTEMPTS)
    return None if isinstance(error, CommentRefused) else retry_delay(attempt, attempts=PATIENT_ATTEMPTS)
