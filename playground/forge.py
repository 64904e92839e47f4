"""The forge itself: its state, its git repositories, whom to tell.

Actions on it are functions in modules beside.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from playground import refusals
from playground.changes import Changes
from playground.events import Event, PullEvent
from playground.git_repositories import GitRepository
from playground.state import Comment, LogEntry, Permission, Pull, Repository, User, World, now

_ECHOES = {("open", "test"), ("open", "assign")}


def _entry(event: PullEvent) -> LogEntry:
    return LogEntry(event.action, event.action_desc, event.actor, now(), event.pull.head_sha)


class OfflineForge:
    """What every action needs; `listeners` hear of each event."""

    def __init__(self, data_dir: Path) -> None:
        self.world = World()
        self.changes = Changes()
        self._data_dir = data_dir
        self.listeners: list[Callable[[Event], None]] = []
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def announce(self, *events: Event) -> None:
        """Tell the listeners, the pages and waiting tests what happened."""
        for event in events:
            if isinstance(event, PullEvent) and (event.action, event.action_desc) not in _ECHOES:
                event.pull.log.append(_entry(event))
            for listener in self.listeners:
                listener(event)
        self.changes.notify()

    def git(self, repository: Repository) -> GitRepository:
        """Where the repository's objects are; the folder is named by id, never by what a person typed."""
        return GitRepository(self._data_dir / "git" / f"{repository.id}.git")

    def lock(self, repository: Repository) -> asyncio.Lock:
        """Held while branches of this repository move."""
        return self._locks[repository.id]

    def user(self, login: str) -> User:
        """Return the user of this login. Raises 404 when there is none."""
        user = self.world.user(login)
        if user is None:
            raise refusals.not_found("404 User Not Found")
        return user

    def repository(self, full_name: str) -> Repository:
        """Return the repository `owner/path`. Raises 404 when there is none."""
        repository = self.world.repository(full_name)
        if repository is None:
            raise refusals.project_not_found()
        return repository

    def pull(self, repository: Repository, number: int) -> Pull:
        """Return a pull request by its number. Raises 404 when there is none."""
        pull = repository.pulls.get(number)
        if pull is None:
            raise refusals.not_found("404 Pull Request Not Found")
        return pull

    def comment(self, repository: Repository, comment_id: int) -> Comment:
        """Return a comment by its id. Raises 404 when there is none or it was deleted."""
        comment = self.world.comment(repository, comment_id)
        if comment is None:
            raise refusals.not_found("404 Note Not Found")
        return comment

    def require(self, user: User | None, needed: Permission, repository: Repository) -> User:
        """Return the user, if the permission suffices.

        Raises 401, 403, or 404 where even reading is not allowed.
        """
        if not self.world.may(user, "read", repository):
            raise refusals.project_not_found()
        if user is None:
            raise refusals.unauthenticated()
        if not self.world.may(user, needed, repository):
            raise refusals.forbidden()
        return user
