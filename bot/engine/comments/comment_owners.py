"""Finds comments of lost stores and of other bots among the comments that are read anyway.

A comment that waits for a run of a lost store says so, once. A comment about a run that this store has not
given out yet shows that an older backup was restored: then the store takes a new identity.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.core import markers
from bot.core.markers import Marker, ReadMarker
from bot.core.reconciling import comment_owners
from bot.core.reconciling.comment_owners import Own
from bot.engine.comments.publisher import CommentPublisher, CommentUpdate
from bot.engine.deciding.identity import Identity
from bot.engine.metrics import Metrics
from bot.engine.records import Records
from bot.model.delivery import Delivery, Trigger
from bot.model.errors import GiveUp, RetryLater
from bot.model.forge import Comment, PullRequest, PullState, RepoPath
from bot.model.other_bot import OtherBot
from bot.model.views import Message
from bot.ports import Clock, Forge

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommentOwners:
    """Examines comments of open pull requests. Raises what the forge and the store raise, and LeaseLost."""

    forge: Forge
    records: Records
    publisher: CommentPublisher
    identity: Identity
    clock: Clock
    metrics: Metrics
    _examined: set[tuple[RepoPath, int]] = field(default_factory=set)
    """Pull requests of which this process has read the old comments."""

    async def reach(self, pull: PullRequest, since: datetime) -> datetime:
        """Return since when to read comments: a young store reads old ones of a pull request once."""
        if (pull.repo, pull.number) in self._examined:
            return since
        own = await self._own()
        return min(since, own.horizon) if own.young(self.clock.now()) else since

    async def first_look(self, pull: PullRequest, delivery: Delivery) -> None:
        """Read the comments of a pull request that a young store does not know, unless it was just opened."""
        new = delivery.trigger is Trigger.OPEN and not delivery.found
        if new or pull.state is not PullState.OPEN or (pull.repo, pull.number) in self._examined:
            return
        own = await self._own()
        known = await self.records.observed.of(pull.repo, pull.number)
        if known is None and own.young(self.clock.now()):
            await self.examine(pull, await self.forge.comments_since(pull.repo, pull.number, own.horizon))

    async def examine(self, pull: PullRequest, comments: Iterable[Comment]) -> bool:
        """Examine comments of a pull request, if it is open. Returns False if that has to be repeated."""
        if pull.state is not PullState.OPEN:
            return True
        own, others, complete = await self._own(), list[OtherBot](), True
        for comment in comments:
            found = markers.read(comment.body)
            if found is None or found.owner is None:
                continue
            if comment_owners.by_another_bot(found, comment, own):
                where = comment.url or pull.url
                others.append(
                    OtherBot(pull.repo, comment.author, found.owner.text, where, comment.updated_at)
                )
            elif await self.identity.is_me(comment.author):
                complete &= await self._examine_own(pull, comment, found, own)
        if others:
            await self._warn(max(others, key=lambda one: one.seen_at))
        if complete:
            self._examined.add((pull.repo, pull.number))
        return complete

    async def _examine_own(self, pull: PullRequest, comment: Comment, found: ReadMarker, own: Own) -> bool:
        """Examine a comment of the bot's account; see `examine`."""
        if (number := found.marker.of_run) is None:
            return True
        run, newest = await self.records.runs.run(number), await self.records.runs.newest()
        recent = comment.updated_at >= self.clock.now() - comment_owners.RECENT
        if recent and comment_owners.shows_a_restored_backup(found, own, run, newest):
            await self._renew(own, pull, number)
        if not comment_owners.is_lost(found, comment, own, run):
            return True
        return await self._report_lost(pull, comment, number)

    async def _renew(self, own: Own, pull: PullRequest, number: int) -> None:
        """Give the store a new identity, unless it has just got one."""
        if await self.records.identities.renew(own.identities[0].id, self.clock.now()):
            self._examined.clear()
            logger.warning(
                "an older backup of the store was restored: %s!%s has a comment about run %s, which it"
                " does not know; the store has a new identity now",
                pull.repo,
                pull.number,
                number,
            )

    async def _report_lost(self, pull: PullRequest, comment: Comment, number: int) -> bool:
        """Edit a comment. Returns False if Gitee failed to: that holds up nothing, and is tried again."""
        self.publisher.lease()
        marker = Marker("lost", str(comment.id))
        view = Message("run_lost", {"run": number, "command": "/deploy"})
        language = comment_owners.language(comment.body)
        try:
            await self.publisher.overwrite(
                comment.id, CommentUpdate(pull.repo, pull.number, marker, view, language)
            )
        except GiveUp as error:
            logger.warning("comment %s of %s!%s stays: %s", comment.id, pull.repo, pull.number, error)
            return True
        except RetryLater as error:
            where = comment.id, pull.repo, pull.number
            logger.warning("comment %s of %s!%s stays for now: %s", *where, error)
            return False
        self.metrics.lost_run_reported()
        logger.warning(
            "comment %s of %s!%s waited for run %s of a lost store, and says so now",
            comment.id,
            pull.repo,
            pull.number,
            number,
        )
        return True

    async def _warn(self, other: OtherBot) -> None:
        if await self.records.other_bots.add(other):
            self.metrics.other_bot_found()
            logger.warning(
                "another bot works in %s: %s of the account %s wrote %s, so everything may be done twice;"
                " stop one of them, or exclude the repository from its [repos] allow",
                other.repo,
                other.name,
                other.account,
                other.comment_url,
            )

    async def _own(self) -> Own:
        return Own(self.identity.instance, await self.records.identities.all())
