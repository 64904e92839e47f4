"""Claims deliveries from the inbox, has each decided on fresh facts, and applies the decision."""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bot.core import markers
from bot.core.runs.lifecycle import ATTEMPTS, PATIENT_ATTEMPTS, retry_delay
from bot.engine.comments.publisher import ALWAYS, CommentPublisher, CommentUpdate
from bot.engine.deciding.decider import Decider
from bot.engine.metrics import Metrics
from bot.engine.poll_loop import POLL_SECONDS, RETRY_AFTER_BUG, PollLoop, RunningTasks
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
RESERVED = 4
"""More of them, only about pull requests that the bot knows: forged ones take all room but this."""
LOOK_SECONDS = 0.5
"""Time between two looks for deliveries that fit into the reserved room."""


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
    metrics: Metrics
    loop: PollLoop = field(default_factory=lambda: PollLoop("inbox"))
    _looked: float = 0.0
    _tasks: RunningTasks[str] = field(default_factory=RunningTasks)

    def wake(self) -> None:
        """Check the inbox now, because a delivery arrived."""
        self.loop.wake()

    async def serve(self) -> None:
        """Decide deliveries until cancelled; unfinished ones are left to another replica."""
        try:
            await self.loop.run(self._take, self._tasks)
        finally:
            await self.drop()

    async def drop(self) -> None:
        """Stop deciding, and release all claimed deliveries."""
        await self._tasks.cancel()

    async def _take(self) -> None:
        lease = self.membership.lease
        free = MOST_AT_ONCE + RESERVED - len(self._tasks)
        room = max(free - RESERVED, 0)
        if free <= 0 or (not room and not self._is_time()):
            return
        due = await self.records.inbox.claim(
            lease, self.clock.now(), room, reserved=min(free, RESERVED), handling=self._tasks.keys
        )
        if self.membership.lease != lease:
            raise LeaseLost  # it ended before the answer came, and everything else was dropped
        for delivery, attempt in due:
            name = f"delivery {delivery.key[:12]}"
            self._tasks.start(delivery.key, self._handle(delivery, attempt, lease), name)

    def _is_time(self) -> bool:
        """Return whether the reserved room was not looked at for a while: each look reads the whole inbox."""
        now = asyncio.get_running_loop().time()
        if now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        return True

    async def _handle(self, delivery: Delivery, attempt: int, lease: Lease) -> None:
        try:
            await self._decide(delivery, attempt, lease)
        except LeaseLost:
            logger.warning("delivery %s is now another replica's", delivery.key)
        except RetryLater as error:
            # Only the store raises it here; the delivery stays claimed and is handled again.
            logger.warning("delivery %s is handled again later: %s", delivery.key, error)
            await asyncio.sleep(POLL_SECONDS)
        except Exception:
            logger.exception(
                "delivery %s is handled again in %.0f s, because of a bug", delivery.key, RETRY_AFTER_BUG
            )
            await asyncio.sleep(RETRY_AFTER_BUG)
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
                await self._postpone(delivery, attempt, error, lease)
                return
            await self._give_up(delivery, error, lease)
        except Exception:
            trace = secrets.token_hex(4)
            where = _where(delivery)
            logger.exception("%s: delivery %s hit a bug, reported as %s", where, delivery.key, trace)
            await self._apologize(delivery, trace, lease)

    async def _apply(self, delivery: Delivery, decision: Decision, lease: Lease) -> None:
        where = _where(delivery)
        if decision.refuted:
            logger.info("%s: %s", where, decision.ending)
            await self.records.inbox.delete(delivery.key, lease)
            return
        for index, view in enumerate(decision.replies):
            await self.publisher.publish(_reply(delivery, view, index, decision))
        started = await self.records.commit(decision, lease)
        logger.info("%s: %s%s", where, decision.ending, f" (run {started.id})" if started else "")
        for run_id in (*decision.stop, *([started.id] if started else [])):
            self.worker.comments.update(run_id)
        self.worker.wake()

    async def _postpone(self, delivery: Delivery, attempt: int, error: ChatOpsError, lease: Lease) -> None:
        now, inbox = self.clock.now(), self.records.inbox
        denied = isinstance(error, NotThereYet)
        asked = error.delay if isinstance(error, RetryLater) else None
        delay = retry_delay(attempt + 1, asked, attempts=ATTEMPTS if denied else PATIENT_ATTEMPTS)
        due = None if delay is None else now + timedelta(seconds=delay)
        if denied and due is not None:
            due = await inbox.deny(delivery, lease, due, now)
        elif due is not None:
            await inbox.postpone(delivery.key, lease, due)
        if due is None:
            await self._give_up(delivery, error, lease)
            return
        asyncio.get_running_loop().call_later((due - now).total_seconds(), self.wake)
        seconds, level = (due - now).total_seconds(), logging.INFO if denied else logging.WARNING
        logger.log(level, "%s: postponed by %.0f s: %s", _where(delivery), seconds, error)

    async def _give_up(self, delivery: Delivery, error: ChatOpsError, lease: Lease) -> None:
        """Close a delivery that cannot be decided, until it is sent again or its cause is gone."""
        # Anyone can cause these, so they are worth less attention than an operator's mistake.
        level = logging.INFO if error.reason is Reason.PULL_UNKNOWN else logging.WARNING
        logger.log(level, "%s: given up: %s", _where(delivery), error)
        self.metrics.delivery_given_up(error.reason)
        await self.records.inbox.fail(delivery.key, lease, str(error), self.clock.now())

    async def _apologize(self, delivery: Delivery, trace: str, lease: Lease) -> None:
        """Reply to a delivery that hit a bug with an id that finds the trace in the log."""
        self.metrics.delivery_given_up(Reason.INTERNAL)
        await self.records.inbox.fail(delivery.key, lease, f"bug {trace}", self.clock.now())
        marker = markers.reply(delivery.key, "bug")
        update = CommentUpdate(delivery.repo, delivery.number, marker, Apology(trace), self.language)
        self.publisher.submit(f"apology for {delivery.key}", partial(self.publisher.publish, update))


def _where(delivery: Delivery) -> str:
    return f"{delivery.repo}!{delivery.number} {delivery.trigger}"


def _reply(delivery: Delivery, view: View, index: int, decision: Decision) -> CommentUpdate:
    """Return a reply, with the same marker however often the delivery is decided."""
    repo, number, language = delivery.repo, delivery.number, decision.language
    if isinstance(view, ApprovalNeeded):
        # One comment per commit and branch: each further event would post the same.
        return CommentUpdate(repo, number, markers.request(view.sha, view.base), view, language)
    since = decision.since or (ALWAYS if delivery.found else delivery.received_at)
    return CommentUpdate(repo, number, markers.reply(delivery.key, index), view, language, since)
