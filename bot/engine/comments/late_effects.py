"""Repairs what Gitee did long after the bot had given up waiting for its answer.

A request to post a comment can take effect after it was repeated, which gives two comments; one to edit a
comment can take effect after a later one, and bring back an older text. Only comments with a lost answer are
compared with Gitee, once, when nothing more can come.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby

from bot.core import markers
from bot.core.markers import Marker
from bot.engine.comments.publisher import ClaimedComment, CommentPublisher, CommentUpdate
from bot.engine.comments.run_comments import RunComments
from bot.engine.deciding.identity import Identity
from bot.engine.records import Records
from bot.model.errors import GiveUp
from bot.model.forge import Comment, RepoPath
from bot.model.lost_answer import LostAnswer
from bot.model.text import Language
from bot.model.views import Message
from bot.ports import Clock, Forge

SETTLED = timedelta(minutes=3)
"""Time after which Gitee no longer acts on a request."""
OLDEST = timedelta(days=1)
"""How long before the lost answer a comment can have been created to be found in the list."""
MOST = 100
"""Comments that are checked at once."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LateEffects:
    """Compares comments with a lost answer with what they should say."""

    forge: Forge
    records: Records
    comments: RunComments
    identity: Identity
    clock: Clock
    language: Language

    async def reconcile(self) -> None:
        """Check the comments that are due, with one list of comments for each pull request.

        Makes no request if no answer was lost. Raises RetryLater while Gitee or the store is unavailable, and
        LeaseLost.
        """
        now, lost_answers = self.clock.now(), self.records.lost_answers
        due = await lost_answers.before(now - SETTLED, MOST)
        by_pull = sorted(due, key=lambda one: (one.repo, one.number, one.at))
        for (repo, number), group in groupby(by_pull, key=lambda one: (one.repo, one.number)):
            lost = list(group)
            try:
                await self._compare(repo, number, lost)
            except GiveUp as error:
                logger.warning("comments of %s!%s cannot be compared now: %s", repo, number, error)
                for one in lost:
                    await lost_answers.add(replace(one, at=now))

    async def _compare(self, repo: RepoPath, number: int, lost: Sequence[LostAnswer]) -> None:
        written = await self._written(repo, number, lost[0])
        for one in lost:
            if (marker := await self._marker(one)) is not None:
                await self._check(one, marker, written)
            await self.records.lost_answers.delete(one)

    async def _marker(self, lost: LostAnswer) -> Marker | None:
        """Return the marker of a comment, None if its run is gone."""
        found = markers.read(lost.marker)
        if found is None or found.marker.of_run is None:
            return found.marker if found else None
        run = await self.records.runs.run(found.marker.of_run)
        return markers.of_run(run, found.marker.kind) if run else None

    async def _written(self, repo: RepoPath, number: int, lost: LostAnswer) -> list[Comment]:
        found = await self.forge.comments_since(repo, number, lost.at - OLDEST)
        return [one for one in found if await self.identity.is_me(one.author)]

    async def _check(self, lost: LostAnswer, marker: Marker, written: Sequence[Comment]) -> None:
        owner = await self.identity.owner()
        found = [one for one in written if marker.is_in(one.body, owner)]
        async with self.publisher.claim(lost.repo, lost.number, marker) as known:
            if not found and known.comment_id:
                older = await self.forge.comment(lost.repo, known.comment_id)
                found = [older] if older else []
            if not found:
                return  # people deleted it, or it was never created
            # The oldest of them, unless another one has the text that was written last.
            kept = min(found, key=lambda one: (one.id != known.comment_id, one.id))
            for other in found:
                if other is not kept:
                    await self._fold(lost, kept, other)
            await self._correct(known, kept)

    async def _correct(self, known: ClaimedComment, kept: Comment) -> None:
        """Record the comment, and have that of a run written again, if it is not as it was recorded.

        A reply cannot be made again: what it was made from is gone.
        """
        digest = hashlib.sha256(kept.body.encode()).hexdigest()
        if (kept.id, digest) == (known.comment_id, known.digest):
            return
        run = known.marker.run
        what = "not as it was recorded: it stays" if run is None else "outdated: corrected"
        logger.warning("comment %s of %s!%s is %s", kept.id, known.repo, known.number, what)
        where, shows = (known.repo, known.number, known.marker.key), digest if run is None else ""
        await self.records.pulls.put_comment(*where, known.lease, comment_id=kept.id, body_digest=shows)
        if run is not None:
            await self.records.runs.touch([run], known.lease)
            self.comments.update(run)

    async def _fold(self, lost: LostAnswer, kept: Comment, other: Comment) -> None:
        """Delete one of two comments, or let it lead to the one that is kept."""
        logger.warning("comment %s of %s!%s repeats %s", other.id, lost.repo, lost.number, kept.id)
        try:
            await self.forge.delete_comment(lost.repo, other.id)
        except GiveUp:
            marker = Marker("duplicate", str(other.id))
            view = Message("duplicate", {"url": kept.url})
            update = CommentUpdate(lost.repo, lost.number, marker, view, self.language)
            await self.publisher.overwrite(other.id, update)

    @property
    def publisher(self) -> CommentPublisher:
        """The publisher of all comments."""
        return self.comments.publisher
