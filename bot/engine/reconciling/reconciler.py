"""Finds what lost webhooks would have told, and puts it into the inbox: decided there as if it had come.

What was decided last is in the store, so it does not matter how often this looks, nor who else has heard.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot.core.admission import keys
from bot.core.language import parsing
from bot.core.language.command import AnyCommand
from bot.core.reconciling import missed_events
from bot.engine.deciding.identity import Identity
from bot.engine.reconciling.repairs import Repair, Repaired
from bot.engine.records import Records
from bot.model.delivery import Delivery, Trigger
from bot.model.errors import GiveUp
from bot.model.forge import Comment, Listed, PullRequest, PullState, RepoPath
from bot.model.observed import ObservedState, RepositoryCursor
from bot.ports import Clock, Forge

T = TypeVar("T")

logger = logging.getLogger(__name__)

MOST_PULLS = 300
"""Pull requests of one repository that are asked for at once; what changed later is looked at next time."""
MOST_REQUESTS = 200
"""Requests of one look. A token has some thousands an hour, and the bot needs them for people's words."""
OVERLAP = timedelta(minutes=5)
AGAIN = timedelta(hours=1)
"""After which everything open is looked at, not only what is said to have changed."""
STALE = timedelta(days=7)
"""Nobody expects an answer under a pull request at which nothing happened for so long."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Reconciler:
    """Compares Gitee with the store, one repository after the other."""

    forge: Forge
    records: Records
    identity: Identity
    commands: tuple[AnyCommand, ...]
    clock: Clock
    serves: Callable[[RepoPath], bool]
    named: tuple[RepoPath, ...]
    """Repositories that the operator names one by one: they are looked at before they were heard of."""
    take_in: Callable[[Delivery], Awaitable[bool]]
    """Put a delivery into the inbox; False if it has been decided."""
    repaired: Repaired
    age: timedelta
    """What changed more recently is left alone: its webhook may be on its way."""
    _requests: int = 0
    _resume_at: str = ""
    """Where the requests of the last look ran out."""
    _complete: dict[RepoPath, datetime] = field(default_factory=dict)
    """When everything open in a repository was last looked at."""
    _read: dict[tuple[RepoPath, int], tuple[datetime, datetime]] = field(default_factory=dict)
    """When the comments of a pull request were last read, and when it had changed by then."""

    async def reconcile(self) -> None:
        """Look through the repositories, as far as the requests of one look reach.

        Raises RetryLater while Gitee or the store is away.
        """
        self._requests = MOST_REQUESTS
        now = self.clock.now()
        self._read = {pull: (read, at) for pull, (read, at) in self._read.items() if now - read < AGAIN}
        holding, waiting = await self._holding(), await self.records.inbox.waiting()
        for repo in await self._repositories():
            if self._requests <= 0:
                self._resume_at = str(repo).lower()
                logger.info("sweep: the rest, from %s on, is looked at next time", repo)
                return
            try:
                path = str(repo).lower()
                await self._look_at(repo, _of(holding, path), _of(waiting, path))
            except GiveUp as error:
                logger.warning("sweep: %s is left out: %s", repo, error)
        self._resume_at = ""

    async def _repositories(self) -> list[RepoPath]:
        """Return what to look at, beginning where the last look ended."""
        known = {
            str(repo).lower(): repo for repo in (*self.named, *await self.records.observed.repositories())
        }
        served = sorted(path for path, repo in known.items() if self.serves(repo))
        order = [path for path in served if path >= self._resume_at]
        return [known[path] for path in (*order, *(path for path in served if path < self._resume_at))]

    async def _look_at(self, repo: RepoPath, holding: frozenset[int], waiting: frozenset[int]) -> None:
        now = self.clock.now()
        known = await self._cursor(repo)
        changed = await self._ask(
            self.forge.pulls_updated(repo, known.seen_until - self.age - OVERLAP, MOST_PULLS)
        )
        complete = now - self._complete.get(repo, LONG_AGO) >= AGAIN
        visit = _Visit(known, await self._observed(repo), holding)
        rest = await self._rest(repo, visit, {one.pull.number for one in changed}) if complete else ()
        for seen in missed_events.settled((*changed, *rest), now, self.age, waiting):
            if self.serves(seen.pull.repo):
                await self._catch_up(visit, seen)
        if self._requests <= 0:
            return
        if complete:
            self._complete[repo] = now
        until = max((one.updated_at for one in changed), default=known.seen_until)
        await self.records.observed.save_cursor(repo, RepositoryCursor(known.since, until))

    async def _cursor(self, repo: RepoPath) -> RepositoryCursor:
        known = await self.records.observed.cursor(repo)
        if known is None:
            since = await self.records.observed.known_since(repo) or self.clock.now()
            # Gitee's times have no fractions.
            known = RepositoryCursor(since.replace(microsecond=0), since)
            await self.records.observed.save_cursor(repo, known)
        return known

    async def _holding(self) -> frozenset[tuple[str, int]]:
        """Return the pull requests of which something exists or goes on, repositories in lower case."""
        pulls = self.records.pulls
        found = (
            *((one.key.repo, one.key.number) for one in await pulls.environments()),
            *((run.repo, run.number) for run in await self.records.runs.unfinished()),
            *await pulls.imaged(),
        )
        return frozenset((str(repo).lower(), number) for repo, number in found)

    async def _rest(self, repo: RepoPath, visit: "_Visit", listed: set[int]) -> tuple[Listed, ...]:
        """Return what is open besides, and those of which something exists although they are not."""
        now = self.clock.now()
        found = [
            one
            for one in await self._ask(self.forge.open_pulls(repo, MOST_PULLS))
            if one.pull.number not in listed
        ]
        for number in sorted(visit.in_doubt - listed - {one.pull.number for one in found}):
            if self._requests <= 0:
                break
            pull = await self._ask(self.forge.pull_request(repo, number))
            # None may also mean that the bot may not see it any more: nothing follows from that.
            if pull is not None:
                found.append(Listed(pull, LONG_AGO, now - STALE))
        return tuple(found)

    async def _observed(self, repo: RepoPath) -> dict[int, ObservedState]:
        known = await self.records.observed.among((repo,))
        return {number: observed for (_, number), observed in known.items()}

    async def _catch_up(self, visit: "_Visit", seen: Listed) -> None:
        pull = seen.pull
        observed = visit.observed.get(pull.number)
        holds = pull.number in visit.holding
        trigger = missed_events.missed_event(seen, observed, visit.known.since, holds=holds)
        now = self.clock.now()
        if trigger is None or not await self._bring_up(_event(seen, trigger, now), Repair.EVENT):
            # It is no news, but what happens to it later is.
            await self._note(pull, observed)
        if self._wants_reading(seen):
            await self._bring_up_words(visit, seen)

    async def _note(self, pull: PullRequest, known: ObservedState | None) -> None:
        if known is None or not known.head:
            observed = ObservedState(self.clock.now(), pull.head.sha, pull.state)
            await self.records.observed.note(pull.repo, pull.number, observed)

    def _wants_reading(self, seen: Listed) -> bool:
        if self._requests <= 0 or seen.updated_at <= self.clock.now() - STALE:
            return False
        read = self._read.get((seen.pull.repo, seen.pull.number))
        return read is None or read[1] != seen.updated_at

    async def _bring_up_words(self, visit: "_Visit", seen: Listed) -> None:
        pull, now = seen.pull, self.clock.now()
        since = max(visit.known.since, now - missed_events.FRESH)
        comments = await self._ask(self.forge.comments_since(pull.repo, pull.number, since - OVERLAP))
        observed = visit.observed.get(pull.number)
        missed = missed_events.missed_words(comments, observed, visit.known.since, now, self.age)
        found = [_comment(pull, one, now) for one in missed if await self._commands(one)]
        wanting = await self.records.inbox.wanting([delivery.key for delivery in found])
        for delivery in found:
            if delivery.key in wanting:
                await self._bring_up(delivery, Repair.COMMAND)
        self._read[pull.repo, pull.number] = (now, seen.updated_at)

    async def _commands(self, comment: Comment) -> bool:
        """Whether these are words for the bot, and not its own."""
        said = parsing.parse(comment.body, self.commands)
        return bool(said) and not await self.identity.is_me(comment.author)

    async def _bring_up(self, delivery: Delivery, kind: Repair) -> bool:
        taken = await self.take_in(delivery)
        if taken:
            self.repaired(kind)
            what = f"comment {delivery.comment_id}" if delivery.comment_id else delivery.trigger
            pull = f"{delivery.repo}!{delivery.number}"
            logger.warning("sweep: %s: no webhook told of %s, it is looked at now", pull, what)
        return taken

    async def _ask(self, answer: Awaitable[T]) -> T:
        self._requests -= 1
        return await answer


@dataclass(frozen=True, slots=True)
class _Visit:
    """What the store knows of the repository that is being looked at."""

    known: RepositoryCursor
    observed: dict[int, ObservedState]
    holding: frozenset[int]
    """Pull requests of which something exists or goes on."""

    @property
    def in_doubt(self) -> frozenset[int]:
        """Those of them that are open as far as the bot knows."""
        over = {PullState.CLOSED, PullState.MERGED}
        return frozenset(
            number
            for number in self.holding
            if number not in self.observed or self.observed[number].state not in over
        )


def _of(pulls: Collection[tuple[str, int]], path: str) -> frozenset[int]:
    """Return the numbers of one repository's pull requests."""
    return frozenset(number for owner, number in pulls if owner == path)


def _event(seen: Listed, trigger: Trigger, now: datetime) -> Delivery:
    pull = seen.pull
    key = keys.of_pull_event(pull.repo, pull.number, trigger, pull.head.sha, seen.updated_at.isoformat())
    return Delivery(key, trigger, pull.repo, pull.number, now, head_sha=pull.head.sha, found=True)


def _comment(pull: PullRequest, comment: Comment, now: datetime) -> Delivery:
    """Return a delivery that does not say which commit the writer saw: nobody knows."""
    return Delivery(
        key=keys.of_comment(pull.repo, pull.number, comment.id),
        trigger=Trigger.COMMENT,
        repo=pull.repo,
        number=pull.number,
        received_at=now,
        comment_id=comment.id,
        body_digest=keys.body_digest(comment.body),
        sender=comment.author,
        found=True,
    )
