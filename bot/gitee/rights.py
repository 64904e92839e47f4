"""What the bot's account may do in repositories, found out by reading alone.

Gitee does not report the scopes of a token (no call of its API description does), and an answer to a read
proves nothing about writing.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.gitee.client import GiteeClient
from bot.gitee.errors import unreadable
from bot.gitee.paths import repo_path
from bot.gitee.transport import Call, Transport
from bot.model.errors import GiveUp
from bot.model.forge import Permission, RepoPath

PAGE = 100
_REPO = "/repos/{owner}/{repo}"


class Read(StrEnum):
    """What the bot reads in every repository; the names are the scopes that it takes."""

    REPOSITORY = "projects"
    PULLS = "pull_requests"
    COMMENTS = "notes"


@dataclass(frozen=True, slots=True)
class Rights:
    """What an account may do in a repository."""

    repo: RepoPath
    level: Permission | None = None
    """None if Gitee refuses to say, so that the bot cannot know who may command it."""
    refused: Mapping[Read, str] = field(default_factory=dict)
    """Gitee's answers to what was refused."""
    untried: frozenset[Read] = frozenset()
    """What could not be tried, because there is nothing to read."""


@dataclass(frozen=True, slots=True)
class RightsReader:
    """Reads the rights of the token's account. Raises RetryLater, and GiveUp for a token that is refused."""

    transport: Transport
    client: GiteeClient
    login: str

    async def seen(self, most_pages: int) -> tuple[tuple[RepoPath, ...], bool]:
        """Return the repositories that the account has access to, and whether these are all."""
        found: list[RepoPath] = []
        for page in range(1, most_pages + 1):
            call = Call("GET", "/user/repos", {}, {"sort": "full_name", "page": page, "per_page": PAGE})
            listed = await self._list(call)
            found += [path for one in listed if (path := repo_path(one))]
            if len(listed) < PAGE:
                return tuple(found), True
        return tuple(found), False

    async def of(self, repo: RepoPath) -> Rights:
        """Return what the account may do in a repository."""
        refused: dict[Read, str] = {}
        await self._tried(Read.REPOSITORY, refused, lambda: self.client.default_branch(repo))
        pulls = await self._tried(Read.PULLS, refused, lambda: self._newest(repo))
        untried = frozenset[Read]() if pulls else frozenset({Read.COMMENTS})
        if pulls:
            await self._tried(Read.COMMENTS, refused, lambda: self._comments(repo, pulls[0]["number"]))
        try:
            level = await self.client.permission(repo, self.login)
        except GiveUp:
            level = None
        return Rights(repo, level, refused, untried)

    async def _tried(self, read: Read, refused: dict[Read, str], action: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await action()
        except GiveUp as error:
            refused[read] = error.facts.get("message", str(error))
            return None

    async def _newest(self, repo: RepoPath) -> Any:
        query: dict[str, str | int] = {"state": "all", "per_page": 1}
        return await self._list(Call("GET", _REPO + "/pulls", _at(repo), query))

    async def _comments(self, repo: RepoPath, number: object) -> Any:
        where = {**_at(repo), "number": number}
        return await self._list(Call("GET", _REPO + "/pulls/{number}/comments", where, {"per_page": 1}))

    async def _list(self, call: Call) -> list[Any]:
        data = await self.transport.json(call)
        if data is None:
            return []
        if not isinstance(data, list) or not all(isinstance(one, Mapping) for one in data):
            raise unreadable(str(call), "the answer is not a list of objects")
        return data


def _at(repo: RepoPath) -> dict[str, str | int]:
    return {"owner": repo.owner, "repo": repo.name}
