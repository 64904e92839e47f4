"""The state of the offline Gitee, its git repositories, and the listeners for its events.

Actions are functions in other modules.
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
    """What all actions need. `listeners` are called with each event."""

    def __init__(self, data_dir: Path) -> None:
        self.world = World()
        self.changes = Changes()
        self._data_dir = data_dir
        self.listeners: list[Callable[[Event], None]] = []
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def announce(self, *events: Event) -> None:
        """Report events to the listeners, the pages and waiting tests."""
        for event in events:
            if isinstance(event, PullEvent) and (event.action, event.action_desc) not in _ECHOES:
                event.pull.log.append(_entry(event))
            for listener in self.listeners:
                listener(event)
        self.changes.notify()

    def git(self, repository: Repository) -> GitRepository:
        """Return the git repository. Its folder is named by id, never by user input."""
        return GitRepository(self._data_dir / "git" / f"{repository.id}.git")

    def lock(self, repository: Repository) -> asyncio.Lock:
        """Return the lock to hold while branches of this repository move."""
        return self._locks[repository.id]

    def user(self, login: str) -> User:
        """Return the user with this login. Raises 404."""
        user = self.world.user(login)
        if user is None:
            raise refusals.not_found("404 User Not Found")
        return user

    def repository(self, full_name: str) -> Repository:
        """Return the repository `owner/path`. Raises 404."""
        repository = self.world.repository(full_name)
        if repository is None:
            raise refusals.project_not_found()
        return repository

    def pull(self, repository: Repository, number: int) -> Pull:
        """Return a pull request by its number. Raises 404."""
        pull = repository.pulls.get(number)
        if pull is None:
            raise refusals.not_found("404 Pull Request Not Found")
        return pull

    def comment(self, repository: Repository, comment_id: int) -> Comment:
        """Return a comment by its id. Raises 404, also for a deleted one."""
        comment = self.world.comment(repository, comment_id)
        if comment is None:
            raise refusals.not_found("404 Note Not Found")
        return comment

    def require(self, user: User | None, needed: Permission, repository: Repository) -> User:
        """Return the user if the permission is sufficient.

        Raises 401 or 403, or 404 for a user who may not even read the repository.
        """
        if not self.world.may(user, "read", repository):
            raise refusals.project_not_found()
        if user is None:
            raise refusals.unauthenticated()
        if not self.world.may(user, needed, repository):
            raise refusals.forbidden()
        return user
