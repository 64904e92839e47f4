"""Recovers lost webhooks: finds events and commands that were never decided, and puts them into the inbox.

The store holds the observed state of each pull request, so it does no harm to reconcile often, or on two
replicas.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot.core.admission import keys
from bot.core.language.command import AnyCommand
from bot.core.reconciling import missed_events
from bot.engine.comments.comment_owners import CommentOwners
from bot.engine.deciding import comment_lines
from bot.engine.deciding.identity import Identity
from bot.engine.reconciling.repairs import Repair, Repaired
from bot.engine.records import Records
from bot.model.delivery import Delivery, Trigger
from bot.model.errors import GiveUp
from bot.model.forge import Comment, Listed, PullRequest, PullState, RepoPath
from bot.model.observed import ObservedState, RepositoryCursor
from bot.ports import Clock, Forge, Sandbox

T = TypeVar("T")

logger = logging.getLogger(__name__)

MAX_PULLS = 300
"""Pull requests of one repository that are read at once; the next sweep reads what changed later."""
MAX_REQUESTS = 200
"""API requests of one sweep. A token has some thousands an hour, and commands of people need them too."""
OVERLAP = timedelta(minutes=5)
FULL_CHECK_INTERVAL = timedelta(hours=1)
"""After which all open pull requests are checked, not only those that Gitee reports as changed."""
STALE = timedelta(days=7)
"""Comments of a pull request that did not change for so long are not read: no reply is expected there."""
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Reconciler:
    """Compares Gitee with the store, one repository after another."""

    forge: Forge
    records: Records
    identity: Identity
    owners: CommentOwners
    commands: tuple[AnyCommand, ...]
    clock: Clock
    sandbox: Sandbox
    serves: Callable[[RepoPath], bool]
    named: tuple[RepoPath, ...]
    """Repositories that the settings name without a pattern: they are checked before their first webhook."""
    accept: Callable[[Delivery], Awaitable[bool]]
    """Puts a delivery into the inbox. Returns False if it was already decided."""
    repaired: Repaired
    age: timedelta
    """What changed within this time is skipped: its webhook may be on its way."""
    _requests_left: int = 0
    _resume_at: str = ""
    """Repository at which the last sweep had used up its requests."""
    _fully_checked: dict[RepoPath, datetime] = field(default_factory=dict)
    """When all open pull requests of a repository were last checked."""
    _comments_read: dict[tuple[RepoPath, int], tuple[datetime, datetime]] = field(default_factory=dict)
    """When the comments of a pull request were last read, and its time of change then."""

    async def reconcile(self) -> None:
        """Reconcile the repositories, as far as the requests of one sweep suffice.

        Raises RetryLater while Gitee or the store is unavailable.
        """
        self._requests_left = MAX_REQUESTS
        now = self.clock.now()
        self._comments_read = {
            pull: (read, at)
            for pull, (read, at) in self._comments_read.items()
            if now - read < FULL_CHECK_INTERVAL
        }
        with_resources, waiting = await self._with_resources(), await self.records.inbox.pending_pulls()
        for repo in await self._repositories():
            if self._requests_left <= 0:
                self._resume_at = str(repo).lower()
                logger.info(
                    "sweep: %s requests used up, the next sweep continues with %s", MAX_REQUESTS, repo
                )
                return
            try:
                path = str(repo).lower()
                await self._reconcile_repository(repo, _of(with_resources, path), _of(waiting, path))
            except GiveUp as error:
                logger.warning("sweep: %s is skipped: %s", repo, error)
        self._resume_at = ""

    async def _repositories(self) -> list[RepoPath]:
        """Return the repositories to reconcile, beginning where the last sweep ended."""
        known = {
            str(repo).lower(): repo for repo in (*self.named, *await self.records.observed.repositories())
        }
        served = sorted(path for path, repo in known.items() if self.serves(repo))
        order = [path for path in served if path >= self._resume_at]
        return [known[path] for path in (*order, *(path for path in served if path < self._resume_at))]

    async def _reconcile_repository(
        self, repo: RepoPath, with_resources: frozenset[int], waiting: frozenset[int]
    ) -> None:
        now = self.clock.now()
        cursor = await self._cursor(repo)
        changed = await self._request(
            self.forge.pulls_updated(repo, cursor.seen_until - self.age - OVERLAP, MAX_PULLS)
        )
        complete = now - self._fully_checked.get(repo, NEVER) >= FULL_CHECK_INTERVAL
        state = _RepositoryState(cursor, await self._observed(repo), with_resources)
        rest = await self._rest(repo, state, {one.pull.number for one in changed}) if complete else ()
        for seen in missed_events.reconcilable((*changed, *rest), now, self.age, waiting):
            if self.serves(seen.pull.repo):
                await self._reconcile_pull(state, seen)
        if self._requests_left <= 0:
            return
        if complete:
            self._fully_checked[repo] = now
        until = max((one.updated_at for one in changed), default=cursor.seen_until)
        await self.records.observed.save_cursor(repo, RepositoryCursor(cursor.since, until))

    async def _cursor(self, repo: RepoPath) -> RepositoryCursor:
        known = await self.records.observed.cursor(repo)
        if known is None:
            since = await self.records.observed.known_since(repo) or self.clock.now()
            # Gitee's times have no fractions of a second.
            known = RepositoryCursor(since.replace(microsecond=0), since)
            await self.records.observed.save_cursor(repo, known)
        return known

    async def _with_resources(self) -> frozenset[tuple[str, int]]:
        """Return pull requests with environments, images or unfinished runs; repositories in lower case."""
        pulls = self.records.pulls
        found = (
            *((one.key.repo, one.key.number) for one in await pulls.environments()),
            *((run.repo, run.number) for run in await self.records.runs.unfinished()),
            *await pulls.with_images(),
        )
        return frozenset((str(repo).lower(), number) for repo, number in found)

    async def _rest(self, repo: RepoPath, state: "_RepositoryState", listed: set[int]) -> tuple[Listed, ...]:
        """Return the other open pull requests, and those that only the store believes to be open."""
        now = self.clock.now()
        found = [
            one
            for one in await self._request(self.forge.open_pulls(repo, MAX_PULLS))
            if one.pull.number not in listed
        ]
        for number in sorted(state.supposed_open - listed - {one.pull.number for one in found}):
            if self._requests_left <= 0:
                break
            pull = await self._request(self.forge.pull_request(repo, number))
            # None may also mean that the bot lost access to it, which is no reason to remove anything.
            if pull is not None:
                found.append(Listed(pull, NEVER, now - STALE))
        return tuple(found)

    async def _observed(self, repo: RepoPath) -> dict[int, ObservedState]:
        known = await self.records.observed.by_pull((repo,))
        return {number: observed for (_, number), observed in known.items()}

    async def _reconcile_pull(self, state: "_RepositoryState", seen: Listed) -> None:
        pull = seen.pull
        observed = state.observed.get(pull.number)
        holds = pull.number in state.with_resources
        trigger = missed_events.missed_event(seen, observed, state.cursor.since, holds=holds)
        now = self.clock.now()
        if trigger is None or not await self._recover(_event(seen, trigger, now), Repair.EVENT):
            # There is nothing to do, but later changes are compared with this state.
            await self._record(pull, observed)
        if self._comments_may_be_new(seen):
            await self._recover_comments(state, seen)

    async def _record(self, pull: PullRequest, known: ObservedState | None) -> None:
        if known is None or not known.head:
            observed = ObservedState(self.clock.now(), pull.head.sha, pull.state, pull.updated_at)
            await self.records.observed.record(pull.repo, pull.number, observed)

    def _comments_may_be_new(self, seen: Listed) -> bool:
        if self._requests_left <= 0 or seen.updated_at <= self.clock.now() - STALE:
            return False
        read = self._comments_read.get((seen.pull.repo, seen.pull.number))
        return read is None or read[1] != seen.updated_at

    async def _recover_comments(self, state: "_RepositoryState", seen: Listed) -> None:
        pull, now = seen.pull, self.clock.now()
        since = max(state.cursor.since, now - missed_events.FRESH)
        # A store that was restored from a backup does not know what was written after its last sweep.
        reach = await self.owners.reach(pull, min(since, state.cursor.seen_until))
        comments = await self._request(self.forge.comments_since(pull.repo, pull.number, reach - OVERLAP))
        examined = await self.owners.examine(pull, comments)
        missed = missed_events.missed_comments(comments, state.cursor.since, now, self.age)
        found = [(one, _comment(pull, one, now)) for one in missed]
        missing = await self.records.inbox.missing([delivery.key for _, delivery in found])
        for comment, delivery in found:
            if delivery.key in missing and await self._commands(comment):
                await self._recover(delivery, Repair.COMMAND)
        if examined:
            self._comments_read[pull.repo, pull.number] = (now, seen.updated_at)

    async def _commands(self, comment: Comment) -> bool:
        """Whether a comment contains commands and is not the bot's own."""
        said = await comment_lines.read(self.sandbox, comment, self.commands)
        return bool(said) and not await self.identity.is_me(comment.author)

    async def _recover(self, delivery: Delivery, kind: Repair) -> bool:
        taken = await self.accept(delivery)
        if taken:
            self.repaired(kind)
            what = f"comment {delivery.comment_id}" if delivery.comment_id else delivery.trigger
            pull = f"{delivery.repo}!{delivery.number}"
            logger.warning(
                "sweep: %s: %s was not decided, its webhook was lost or given up; decided now",
                pull,
                what,
            )
        return taken

    async def _request(self, answer: Awaitable[T]) -> T:
        self._requests_left -= 1
        return await answer


@dataclass(frozen=True, slots=True)
class _RepositoryState:
    """What the store knows of the repository that is being reconciled."""

    cursor: RepositoryCursor
    observed: dict[int, ObservedState]
    with_resources: frozenset[int]
    """Pull requests with environments, images or unfinished runs."""

    @property
    def supposed_open(self) -> frozenset[int]:
        """Those of them that the store does not know to be closed or merged."""
        over = {PullState.CLOSED, PullState.MERGED}
        return frozenset(
            number
            for number in self.with_resources
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
    """Return a delivery without a commit: which one the author saw is unknown."""
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
