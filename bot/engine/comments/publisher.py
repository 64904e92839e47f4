"""Creates and edits the bot's comments: one writer each, found by a hidden marker, latest state wins.

Updates run in the background and are retried, so that a slow or failing Gitee delays comments, never runs.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.core.markers import Marker
from bot.core.runs.lifecycle import PATIENT_ATTEMPTS, retry_delay
from bot.engine.deciding.identity import Identity
from bot.engine.metrics import NO_METRICS, Metrics
from bot.engine.records import Records
from bot.model.errors import AnswerLost, ChatOpsError, CommentRefused, RetryLater
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.lost_answer import LostAnswer
from bot.model.reason import Reason
from bot.model.text import Language
from bot.model.views import Filtered, RunView, View
from bot.ports import Clock, Forge, Renderer

logger = logging.getLogger(__name__)

LATE = timedelta(seconds=15)
"""After a request to post was given up, how long the bot waits for its effect before it posts again."""
CONTENDED = 0.3
"""Seconds until the bot tries again to claim a comment that another replica is writing."""
STORE_AWAY = 10.0
"""Longest time in seconds between two attempts to record a lost answer, and two lines of the log about it."""
ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CommentUpdate:
    """A view to show in the comment that carries `marker` under a pull request."""

    repo: RepoPath
    number: int
    marker: Marker
    view: View
    language: Language
    since: datetime = ALWAYS
    """When what the comment is about came up. If that was before this replica joined, it may have been posted
    although the store does not know it, which was restored since: then it is searched for."""


@dataclass(frozen=True, slots=True)
class ClaimedComment:
    """A comment that no other replica writes while this replica holds `lease`."""

    repo: RepoPath
    number: int
    marker: Marker
    lease: Lease
    comment_id: int | None
    """None before the first attempt to create it; 0 if an attempt may have been made, with unknown result."""
    digest: str
    """SHA-256 of the text that it shows."""
    lost_at: datetime | None
    """When an answer to a request to write it was lost."""


class CommentPublisher:
    """Publishes comments, one update at a time for each of them."""

    def __init__(
        self,
        forge: Forge,
        records: Records,
        renderer: Renderer,
        identity: Identity,
        lease: Callable[[], Lease],
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._forge = forge
        self._records = records
        self._renderer = renderer
        self._identity = identity
        self.lease = lease
        """Returns the present lease. Raises LeaseLost."""
        self._clock = clock
        self._joined_at = clock.now()
        self._last_lease: Lease | None = None
        self._sleep = sleep
        self._metrics = metrics
        self._latest: dict[str, Callable[[], Awaitable[None]]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    def submit(self, key: str, publish: Callable[[], Awaitable[None]]) -> None:
        """Call `publish` in the background, with retries; a waiting call of the same key is replaced."""
        self._latest[key] = publish
        if key not in self._writers:
            self._writers[key] = asyncio.create_task(self._publish_latest(key), name=f"comment {key}")

    async def flush(self) -> None:
        """Wait until every submitted update is published or given up."""
        while self._writers:
            await asyncio.wait(list(self._writers.values()))

    async def close(self) -> None:
        """Stop publishing; runs whose comments are behind are updated after the next start."""
        writers = list(self._writers.values())
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)

    async def publish(self, update: CommentUpdate) -> None:
        """Publish one comment before returning.

        Raises what the forge and the store raise, and LeaseLost.
        """
        async with self.claim(update.repo, update.number, update.marker, update.since) as comment:
            await self.write(comment, update.view, update.language)

    @asynccontextmanager
    async def claim(
        self, repo: RepoPath, number: int, marker: Marker, since: datetime = ALWAYS
    ) -> AsyncIterator[ClaimedComment]:
        """Become the only writer of a comment among all replicas, until the block ends or the lease does."""
        lease, where = self.lease(), (repo, number, marker.key)
        while (known := await self._records.pulls.claim_comment(*where, lease, self._clock.now())) is None:
            await self._sleep(CONTENDED)
        comment_id, digest, lost_at = known
        if comment_id is None and since < self._joined(lease):
            comment_id = 0
        try:
            yield ClaimedComment(repo, number, marker, lease, comment_id, digest, lost_at)
        except asyncio.CancelledError:
            raise  # Gitee may still act: it stays claimed until the lease ends, as if this replica had died.
        except BaseException:
            await self._records.pulls.release_comment(*where, lease)
            raise
        await self._records.pulls.release_comment(*where, lease)

    async def write(self, comment: ClaimedComment, view: View, language: Language) -> None:
        """Render a view, create or edit its comment, and record it."""
        unfinished = isinstance(view, RunView) and not view.run.state.final
        marker = comment.marker.text(await self._identity.owner(), unfinished=unfinished)
        try:
            await self._write(comment, self._renderer.render(view, language, marker))
        except CommentRefused as error:
            # Gitee's word filter sometimes refuses logs and tables; a text without them passes.
            logger.warning("the comment was refused, a plain one replaces it: %s", error)
            await self._write(comment, self._renderer.render(_plain(view), language, marker))

    async def _write(self, comment: ClaimedComment, body: str) -> None:
        repo, number, marker = comment.repo, comment.number, comment.marker.key
        comment_id = comment.comment_id
        digest = hashlib.sha256(body.encode()).hexdigest()
        if comment_id and comment.digest == digest:
            return
        if comment_id == 0:
            comment_id = await self._posted(comment)
        if self.lease() != comment.lease:
            raise LeaseLost  # rendering or searching took so long that another replica may have written it
        try:
            if comment_id and not await self._forge.edit_comment(repo, comment_id, body):
                logger.info("comment %s of %s!%s was deleted, it stays so", comment_id, repo, number)
            comment_id = comment_id or await self._forge.post_comment(repo, number, body)
            await self._records.pulls.put_comment(
                repo, number, marker, comment.lease, comment_id=comment_id, body_digest=digest
            )
        except (AnswerLost, LeaseLost):
            # It takes effect later than what this replica, or its successor, has written since.
            await self._record_lost(LostAnswer(repo, number, marker, self._clock.now()))
            raise

    async def _record_lost(self, lost: LostAnswer) -> None:
        """Record a lost answer as soon as the store is available: nothing else tells of a late effect."""
        delay = CONTENDED
        while True:
            try:
                return await self._records.lost_answers.add(lost)
            except RetryLater as error:
                logger.warning("comment %s: a lost answer is not recorded yet: %s", lost.marker, error)
            await self._sleep(delay)
            delay = min(2 * delay, STORE_AWAY)

    async def _posted(self, comment: ClaimedComment) -> int | None:
        """Return the id of a comment that may have been posted, None if it was not and will not be.

        Raises RetryLater while Gitee may still act on the request.
        """
        is_it = partial(comment.marker.is_in, owner=await self._identity.owner())
        login = await self._identity.login()
        found = await self._forge.find_comment(comment.repo, comment.number, is_it, login)
        if found:
            return found.id
        now, lost_at = self._clock.now(), comment.lost_at
        if lost_at and lost_at > now:  # It was recorded by another clock, or this one was set back.
            await self._record_lost(LostAnswer(comment.repo, comment.number, comment.marker.key, now))
            lost_at = now
        if lost_at and (seconds := (lost_at + LATE - now).total_seconds()) > 0:
            facts = {"message": "an earlier request to post this comment may still take effect"}
            raise RetryLater(Reason.GITEE_UNAVAILABLE, facts, delay=seconds)
        return None

    async def overwrite(self, comment_id: int, update: CommentUpdate) -> None:
        """Replace a comment that is not recorded. Raises what the forge raises."""
        marker = update.marker.text(await self._identity.owner())
        body = self._renderer.render(update.view, update.language, marker)
        await self._forge.edit_comment(update.repo, comment_id, body)

    def _joined(self, lease: Lease) -> datetime:
        """Return when this replica joined; it joins again after its store was restored."""
        if self._last_lease not in {None, lease}:
            self._joined_at = self._clock.now()
        self._last_lease = lease
        return self._joined_at

    async def _publish_latest(self, key: str) -> None:
        try:
            while key in self._latest:
                await self._publish_with_retries(key)
        finally:
            del self._writers[key]

    async def _publish_with_retries(self, key: str) -> None:
        publish, attempt = self._latest.pop(key), 1
        while (delay := await self._attempt(key, publish, attempt)) is not None:
            self._metrics.comment_retried()
            await self._sleep(delay)
            publish, attempt = self._latest.pop(key, publish), attempt + 1

    async def _attempt(self, key: str, publish: Callable[[], Awaitable[None]], attempt: int) -> float | None:
        """Publish; return the seconds until the next attempt, None if there is to be none."""
        try:
            await publish()
        except LeaseLost:
            return None  # the replica that holds the lease now publishes it
        except ChatOpsError as error:
            delay = _delay(attempt, error)
            if delay is None:
                logger.error("comment %s could not be published: %s", key, error)  # noqa: TRY400 - expected
            return delay
        except Exception:
            logger.exception("comment %s could not be published", key)
        return None


def _plain(view: View) -> Filtered:
    return Filtered(view.run, view.links, view.broken) if isinstance(view, RunView) else Filtered()


def _delay(attempt: int, error: ChatOpsError) -> float | None:
    """Return the seconds until the next attempt; a refused token may be replaced before it."""
    if isinstance(error, RetryLater):
        return retry_delay(attempt, error.delay, attempts=PATIENT_ATTEMPTS)
    return None if isinstance(error, CommentRefused) else retry_delay(attempt, attempts=PATIENT_ATTEMPTS)
