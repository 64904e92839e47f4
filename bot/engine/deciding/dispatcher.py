"""Claims deliveries from the inbox, has each decided on fresh facts, and applies the decision."""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bot.core import naming
from bot.core.runs.lifecycle import ATTEMPTS, PATIENT_ATTEMPTS, retry_delay
from bot.engine.comments.publisher import CommentPublisher, CommentUpdate
from bot.engine.deciding.decider import Decider
from bot.engine.poll_loop import POLL_SECONDS, PollLoop, RunningTasks
from bot.engine.records import Records
from bot.engine.replicas.membership import Membership
from bot.engine.running.worker import Worker
from bot.model.delivery import Delivery
from bot.model.errors import ChatOpsError, NotThereYet, RetryLater
from bot.model.lease import Lease, LeaseLost
from bot.model.outcome import Decision
from bot.model.reason import Reason
from bot.model.text import Language
from bot.model.views import Apology, ApprovalNeeded, View
from bot.ports import Clock

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 16
"""Deliveries that are decided concurrently: one that waits for Gitee does not delay the others."""


@dataclass(slots=True)
class Dispatcher:
    """Decides deliveries: those of one pull request in order, others concurrently."""

    records: Records
    decider: Decider
    publisher: CommentPublisher
    worker: Worker
    membership: Membership
    clock: Clock
    language: Language
    _tasks: RunningTasks[str] = field(default_factory=RunningTasks)
    _poll: PollLoop = field(default_factory=lambda: PollLoop("inbox"))

    def wake(self) -> None:
        """Check the inbox now, because a delivery arrived."""
        self._poll.wake()

    async def serve(self) -> None:
        """Decide deliveries until cancelled; unfinished ones are left to another replica."""
        try:
            await self._poll.run(self._take)
        finally:
            await self.drop()

    async def drop(self) -> None:
        """Stop deciding, and release all claimed deliveries."""
        await self._tasks.cancel()

    async def _take(self) -> None:
        lease = self.membership.lease
        room = MOST_AT_ONCE - len(self._tasks)
        if room <= 0:
            return
        due = await self.records.inbox.claim(lease, self.clock.now(), room, handling=self._tasks.keys)
        for delivery, attempt in due:
            name = f"delivery {delivery.key[:12]}"
            self._tasks.start(delivery.key, self._handle(delivery, attempt, lease), name)

    async def _handle(self, delivery: Delivery, attempt: int, lease: Lease) -> None:
        try:
            await self._decide(delivery, attempt, lease)
        except LeaseLost:
            logger.warning("delivery %s is now another replica's", delivery.key)
        except RetryLater as error:
            # Only the store raises it here; the delivery stays claimed and is handled again.
            logger.warning("delivery %s is handled again later: %s", delivery.key, error)
            await asyncio.sleep(POLL_SECONDS)
        finally:
            self._tasks.finished(delivery.key)
            self.wake()

    async def _decide(self, delivery: Delivery, attempt: int, lease: Lease) -> None:
        try:
            await self._apply(delivery, await self.decider.decide(delivery), lease)
        except LeaseLost:
            raise
        except ChatOpsError as error:
            # An operator can fix a rejected token while deliveries wait.
            if isinstance(error, RetryLater) or error.reason is Reason.GITEE_DENIED:
                await self._postpone(delivery, attempt, error)
                return
            logger.warning("delivery %s given up: %s", delivery.key, error)
            await self.records.inbox.fail(delivery.key, str(error), self.clock.now())
        except Exception:
            trace = secrets.token_hex(4)
            logger.exception("delivery %s hit a bug, reported to people as %s", delivery.key, trace)
            await self._apologize(delivery, trace)

    async def _apply(self, delivery: Delivery, decision: Decision, lease: Lease) -> None:
        where = f"{delivery.repo}!{delivery.number} {delivery.trigger}"
        if decision.refuted:
            logger.info("%s: %s", where, decision.ending)
            await self.records.inbox.delete(delivery.key)
            return
        for index, view in enumerate(decision.replies):
            marker = _marker(delivery, view, index)
            update = CommentUpdate(delivery.repo, delivery.number, marker, view, decision.language)
            await self.publisher.publish(update)
        started = await self.records.commit(decision, lease)
        logger.info("%s: %s%s", where, decision.ending, f" (run {started.id})" if started else "")
        for run_id in (*decision.stop, *([started.id] if started else [])):
            self.worker.comments.update(run_id)
        self.worker.wake()

    async def _postpone(self, delivery: Delivery, attempt: int, error: ChatOpsError) -> None:
        asked = error.delay if isinstance(error, RetryLater) else None
        attempts = ATTEMPTS if isinstance(error, NotThereYet) else PATIENT_ATTEMPTS
        delay = retry_delay(attempt + 1, asked, attempts=attempts)
        if delay is None:
            logger.error("delivery %s given up after %s attempts: %s", delivery.key, attempt + 1, error)
            await self.records.inbox.fail(delivery.key, str(error), self.clock.now())
            return
        logger.warning("delivery %s postponed by %.0f s: %s", delivery.key, delay, error)
        await self.records.inbox.postpone(delivery.key, self.clock.now() + timedelta(seconds=delay))

    async def _apologize(self, delivery: Delivery, trace: str) -> None:
        """Reply to a delivery that hit a bug with an id that finds the trace in the log."""
        await self.records.inbox.fail(delivery.key, f"bug {trace}", self.clock.now())
        marker = naming.reply_marker(delivery.key, "bug")
        update = CommentUpdate(delivery.repo, delivery.number, marker, Apology(trace), self.language)
        self.publisher.submit(f"apology for {delivery.key}", partial(self.publisher.publish, update))


def _marker(delivery: Delivery, view: View, index: int) -> str:
    """Return the marker of a reply: the same one however often the delivery is decided."""
    if isinstance(view, ApprovalNeeded):
        # One comment per commit and branch: each further event would post the same.
        return naming.request_marker(view.sha, view.base)
    return naming.reply_marker(delivery.key, index)
