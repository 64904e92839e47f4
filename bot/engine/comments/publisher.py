"""Comments are shown here: found by their hidden marker, posted once, edited afterwards, latest state wins.

Kept apart from the runs so that a slow or failing Gitee delays words, never work.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.core.runs.lifecycle import PATIENT_ATTEMPTS, retry_delay
from bot.engine.deciding.identity import Identity
from bot.engine.metrics import NULL_METRICS, Metrics
from bot.engine.records import Records
from bot.model.errors import ChatOpsError, CommentRefused, RetryLater
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.text import Language
from bot.model.views import Filtered, RunView, View
from bot.ports import Forge, Renderer

logger = logging.getLogger(__name__)

Saying = Callable[[], Awaitable[None]]

CONTENDED = 0.3
"""Seconds until a comment that another replica is writing is tried again."""


@dataclass(frozen=True, slots=True)
class CommentUpdate:
    """A view to be shown under a pull request in the comment that carries `marker`."""

    repo: RepoPath
    number: int
    marker: str
    view: View | Callable[[], Awaitable[View]]
    """What to show, or how to find out once nobody else is writing: what is true then is what counts."""
    language: Language


class CommentPublisher:
    """Brings words under their pull requests, one at a time per comment."""

    def __init__(
        self,
        forge: Forge,
        records: Records,
        renderer: Renderer,
        identity: Identity,
        lease: Callable[[], Lease],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        metrics: Metrics = NULL_METRICS,
    ) -> None:
        self._forge = forge
        self._records = records
        self._renderer = renderer
        self._identity = identity
        self._lease = lease
        self._sleep = sleep
        self._measures = metrics
        self._latest: dict[str, Saying] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    def show(self, posting: CommentUpdate) -> None:
        """Show this as soon as possible; an older state of the same comment that waits is dropped."""
        address = f"{posting.repo}!{posting.number} {posting.marker}"
        self.follow(address, lambda: self.post(posting))

    def follow(self, address: str, saying: Saying) -> None:
        """Carry out the latest saying of an address soon, and again where Gitee is in trouble."""
        self._latest[address] = saying
        if address not in self._writers:
            self._writers[address] = asyncio.create_task(self._write(address), name=f"comment {address}")

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
                await self._persist(address, self._latest.pop(address))
        finally:
            del self._writers[address]

    async def _persist(self, address: str, saying: Saying) -> None:
        attempt = 1
        while True:
            try:
                await saying()
            except LeaseLost:
                return  # whoever has it now says it
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
            self._measures.comment_retried()
            await self._sleep(delay)
            saying = self._latest.pop(address, saying)
            attempt += 1

    async def post(self, posting: CommentUpdate) -> None:
        """Show this before returning, as the only one of all replicas who writes that comment.

        Raises what the forge and the store raise, and LeaseLost.
        """
        lease = self._lease()
        where = (posting.repo, posting.number, posting.marker)
        while (known := await self._records.pulls.claim_comment(*where, lease)) is None:
            await self._sleep(CONTENDED)
        try:
            await self._say(posting, lease, *known)
        finally:
            await self._records.pulls.release_comment(*where, lease)

    async def _say(self, posting: CommentUpdate, lease: Lease, comment_id: int | None, said: str) -> None:
        view = await posting.view() if callable(posting.view) else posting.view
        try:
            await self._put(posting, lease, view, (comment_id, said))
        except CommentRefused as error:
            # Gitee's word filter trips over logs and tables now and then; plain words still get through.
            logger.warning("plain words take the place of a refused comment: %s", error)
            await self._put(posting, lease, _plain(view), (comment_id, said))

    async def _put(
        self, posting: CommentUpdate, lease: Lease, view: View, known: tuple[int | None, str]
    ) -> None:
        repo, number, marker = posting.repo, posting.number, posting.marker
        comment_id, said = known
        body = self._renderer.render(view, posting.language, marker)
        digest = hashlib.sha256(body.encode()).hexdigest()
        if comment_id and said == digest:
            return
        if comment_id == 0:
            # Posting was begun by someone who may have died over it: the comment may be there.
            found = await self._forge.find_comment(repo, number, marker, await self._identity.login())
            comment_id = found.id if found else None
        if self._lease() != lease:
            raise LeaseLost  # it hung meanwhile: by now another may have said it
        if comment_id and not await self._forge.edit_comment(repo, comment_id, body):
            logger.info("comment %s of %s!%s was deleted by someone: left so", comment_id, repo, number)
        comment_id = comment_id or await self._forge.post_comment(repo, number, body)
        await self._records.pulls.put_comment(repo, number, marker, comment_id, digest)
        if isinstance(view, RunView):
            await self._records.runs.set_comment(view.run.id, comment_id)


def _plain(view: View) -> Filtered:
    return Filtered(view.run, view.links) if isinstance(view, RunView) else Filtered()


def _delay(attempt: int, error: ChatOpsError) -> float | None:
    """Return after how many seconds to try again; a token that was refused may be mended meanwhile."""
    if isinstance(error, RetryLater):
        return retry_delay(attempt, error.delay, attempts=PATIENT_ATTEMPTS)
    return None if isinstance(error, CommentRefused) else retry_delay(attempt, attempts=PATIENT_ATTEMPTS)
