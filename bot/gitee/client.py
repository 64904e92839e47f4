"""The engine's Forge on Gitee's API v5, https://gitee.com/api/v5/swagger."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.gitee import objects
from bot.gitee.errors import unreadable
from bot.gitee.paths import is_inside, is_name
from bot.gitee.transport import AnswerTooLargeError, Call, Transport
from bot.model.errors import GiveUp, RetryLater
from bot.model.forge import Branch, Comment, Listed, Permission, PullRequest, RepoPath, User
from bot.model.reason import Reason

T = TypeVar("T")

logger = logging.getLogger(__name__)

LARGEST_FILE = 1 << 20
LARGEST_COMPARISON = 8 << 20
"""Bytes of a comparison, which contains the changes of every file."""
PAGE = 100
MOST_PAGES = 100

_REPO = "/repos/{owner}/{repo}"
_PULL = _REPO + "/pulls/{number}"
_COMMENT = _REPO + "/pulls/comments/{id}"


class GiteeClient:
    """Implements `bot.ports.Forge`. Raises RetryLater(GITEE_UNAVAILABLE) and GiveUp(GITEE_DENIED)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def whoami(self) -> User:
        """Return the bot's own account."""
        call = Call("GET", "/user")
        return self._read(call, await self._transport.json(call), objects.user)

    async def ping(self) -> None:
        """Raise what `whoami` raises, after a single attempt."""
        await self._transport.json(Call("GET", "/user", repeat=False))

    async def pull_request(self, repo: RepoPath, number: int) -> PullRequest | None:
        """Return the pull request; None if it does not exist or cannot be seen."""
        return await self._get(Call("GET", _PULL, _at(repo, number=number)), objects.pull_request)

    async def pulls_updated(self, repo: RepoPath, since: datetime, limit: int) -> tuple[Listed, ...]:
        """Return pull requests in any state that changed since then, the most recent change last."""
        query = {"state": "all", "sort": "updated", "direction": "asc", "since": _utc(since)}
        return await self._listed(Call("GET", _REPO + "/pulls", _at(repo), query), limit)

    async def open_pulls(self, repo: RepoPath, limit: int) -> tuple[Listed, ...]:
        """Return open pull requests, newest first."""
        query = {"state": "open", "sort": "created", "direction": "desc"}
        return await self._listed(Call("GET", _REPO + "/pulls", _at(repo), query), limit)

    async def changed_files(self, repo: RepoPath, number: int) -> tuple[str, ...]:
        """Return the paths that the pull request changes; Gitee returns at most 300, on one page."""
        call = Call("GET", _PULL + "/files", _at(repo, number=number))
        return await self._get(call, objects.changed_paths) or ()

    async def changed_between(self, repo: RepoPath, before: str, after: str) -> tuple[str, ...] | None:
        """Return the paths that differ between a commit and a later one; None if some may be missing.

        Gitee compares with the merge base: only if that is the first commit, nothing else has changed.
        """
        where = _at(repo, before=before, after=after)
        call = Call("GET", _REPO + "/compare/{before}...{after}", where, most=LARGEST_COMPARISON)
        try:
            found = await self._get(call, objects.comparison)
        except AnswerTooLargeError:
            return None
        return found.paths if found and found.since == before and found.complete else None

    async def commit_message(self, repo: RepoPath, sha: str) -> str:
        """Return the message of a commit; empty if it is absent or too long."""
        # The list of one commit is short, while a commit by itself comes with all its changes.
        query: dict[str, str | int] = {"sha": sha, "page": 1, "per_page": 1}
        call = Call("GET", _REPO + "/commits", _at(repo), query, most=LARGEST_FILE)
        try:
            listed = await self._get(call, objects.commits) or {}
        except AnswerTooLargeError:
            return ""
        return listed.get(sha, "")

    async def permission(self, repo: RepoPath, login: str) -> Permission:
        """Return what this person may do in the repository, as a member, an owner or neither."""
        if not is_name(login):
            return Permission.NONE
        call = Call("GET", _REPO + "/collaborators/{login}/permission", _at(repo, login=login))
        data = await self._transport.json(call)
        if data is None:
            return await self._permission_of_non_member(repo, login)
        if not isinstance(data, Mapping) or str(data.get("login") or login).lower() != login.lower():
            raise unreadable(str(call), "the answer is about another account")
        return objects.permission(data)

    async def pushers(self, repo: RepoPath) -> frozenset[str] | None:
        """Return who may push to a repository: its collaborators, otherwise all members that it lists.

        None if the bot may see neither. The owner of a personal namespace may be missing.
        """
        call, found = Call("GET", _REPO + "/collaborators", _at(repo)), list[Any]()
        try:
            async for page in self._pages(call, required=True):
                found += page
        except GiveUp:
            return await self._members(repo)
        return self._read(call, found, objects.pushers)

    async def collaborators(self, repo: RepoPath) -> Mapping[str, Permission]:
        """Return the first page of collaborators, with what they may do."""
        call = Call("GET", _REPO + "/collaborators", _at(repo), {"page": 1, "per_page": PAGE})
        return await self._get(call, objects.collaborators) or {}

    async def file(self, repo: RepoPath, path: str, ref: str) -> bytes | None:
        """Return a file's content at a ref; None if it is absent or a folder.

        Of a file that is larger than any that the bot reads, only the size is right: too large.
        """
        if not is_inside(path):
            return None
        call = Call(
            "GET", _REPO + "/contents/{path}", _at(repo, path=path), {"ref": ref}, most=2 * LARGEST_FILE
        )
        try:
            data = await self._transport.json(call)
        except AnswerTooLargeError:
            return bytes(LARGEST_FILE)
        # A missing file is a 200 with an empty list, a folder one with a full list.
        if data is None or isinstance(data, list):
            return None
        return self._read(call, data, objects.content)

    async def root_files(self, repo: RepoPath, ref: str) -> tuple[str, ...]:
        """Return the names of the files in the root at a ref; none if the list is too long to read."""
        call = Call("GET", _REPO + "/contents", _at(repo), {"ref": ref}, most=LARGEST_COMPARISON)
        try:
            data = await self._transport.json(call)
        except AnswerTooLargeError:
            return ()
        return self._read(call, data or [], objects.file_names)

    async def branch(self, repo: RepoPath, name: str) -> Branch | None:
        """Return a branch; None if there is no such branch."""
        return await self._get(Call("GET", _REPO + "/branches/{path}", _at(repo, path=name)), objects.branch)

    async def default_branch(self, repo: RepoPath) -> str:
        """Return a repository's default branch; empty if the repository cannot be seen."""
        data = await self._transport.json(Call("GET", _REPO, _at(repo)))
        return str(data.get("default_branch") or "") if isinstance(data, Mapping) else ""

    async def comment(self, repo: RepoPath, comment_id: int) -> Comment | None:
        """Return one comment; None if it was deleted."""
        return await self._get(Call("GET", _COMMENT, _at(repo, id=comment_id)), objects.comment)

    async def find_comment(
        self, repo: RepoPath, number: int, is_it: Callable[[str], bool], author: str
    ) -> Comment | None:
        """Return the newest comment by `author` whose body `is_it` accepts."""
        newest: Comment | None = None
        async for comments, descending in self._comments(repo, number):
            ours = [one for one in comments if one.author.lower() == author.lower() and is_it(one.body)]
            newest = max([*ours, newest] if newest else ours, key=lambda one: one.id, default=None)
            if newest and descending:
                break
        return newest

    async def comments_since(self, repo: RepoPath, number: int, since: datetime) -> tuple[Comment, ...]:
        """Return the comments created since then, oldest first."""
        found: list[Comment] = []
        async for comments, descending in self._comments(repo, number):
            found += [one for one in comments if one.created_at > since]
            if descending and comments[-1].created_at <= since:
                break
        return tuple(sorted(found, key=lambda one: one.id))

    async def post_comment(self, repo: RepoPath, number: int, body: str) -> int:
        """Post a comment and return its id.

        Raises CommentRefused. After RetryLater the comment may exist: search for its marker before posting
        again.
        """
        call = Call("POST", _PULL + "/comments", _at(repo, number=number), body={"body": body}, words=True)
        data = await self._transport.json(call)
        if data is None:
            raise GiveUp(Reason.GITEE_DENIED, {"message": f"{call}: 404"})
        return self._read(call, data, _comment_id)

    async def edit_comment(self, repo: RepoPath, comment_id: int, body: str) -> bool:
        """Replace a comment's body; False if the comment was deleted. Raises CommentRefused."""
        call = Call("PATCH", _COMMENT, _at(repo, id=comment_id), body={"body": body}, words=True)
        return (await self._transport.send(call)).is_success

    async def delete_comment(self, repo: RepoPath, comment_id: int) -> None:
        """Delete a comment, if it still exists."""
        await self._transport.send(Call("DELETE", _COMMENT, _at(repo, id=comment_id)))

    async def _comments(self, repo: RepoPath, number: int) -> AsyncIterator[tuple[list[Comment], bool]]:
        """Yield the pages of comments, newest first, each with whether it is in that order.

        Older deployments may ignore `direction`: only a page in descending order may end a search.
        """
        call = Call("GET", _PULL + "/comments", _at(repo, number=number), {"direction": "desc"})
        async for page in self._pages(call):
            comments = [self._read(call, each, objects.comment) for each in page]
            yield comments, bool(comments) and comments[0].id > comments[-1].id

    async def _listed(self, call: Call, limit: int) -> tuple[Listed, ...]:
        """Return the pull requests of a list, without those that cannot be read."""
        found: list[Listed] = []
        async for page in self._pages(call):
            for each in page:
                try:
                    found.append(self._read(call, each, objects.listed))
                except RetryLater as error:
                    logger.info("skipped in a list of pull requests: %s", error)
            if len(found) >= limit:
                break
        return tuple(found[:limit])

    async def _get(self, call: Call, parse: Callable[[Any], T]) -> T | None:
        data = await self._transport.json(call)
        return None if data is None else self._read(call, data, parse)

    @staticmethod
    def _read(call: Call, data: Any, parse: Callable[[Any], T]) -> T:
        try:
            return parse(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(str(call), f"unexpected answer ({type(error).__name__}: {error})") from error

    async def _permission_of_non_member(self, repo: RepoPath, login: str) -> Permission:
        """Return the permission of an owner of the repository or organization, or of any other account."""
        data = await self._transport.json(Call("GET", _REPO, _at(repo)))
        if not isinstance(data, Mapping):
            return Permission.NONE
        if login.lower() == objects.owner_of(data) or await self._runs_organization(data, login):
            return Permission.ADMIN
        return Permission.READ if objects.is_public(data) else Permission.NONE

    async def _runs_organization(self, repository: Mapping[str, Any], login: str) -> bool:
        if objects.is_personal(repository):
            return False
        where = {"org": objects.owner_of(repository), "login": login}
        try:
            data = await self._transport.json(Call("GET", "/orgs/{org}/memberships/{login}", where))
        except GiveUp:  # the bot may not see the members
            return False
        return objects.runs_organization(data)

    async def _members(self, repo: RepoPath) -> frozenset[str] | None:
        try:
            data = await self._transport.json(Call("GET", _REPO, _at(repo)))
        except GiveUp:
            return None
        return objects.members(data) if isinstance(data, Mapping) else None

    async def _pages(self, call: Call, *, required: bool = False) -> AsyncIterator[list[Any]]:
        """Yield the pages of a list: `total_page` of them, otherwise up to the first incomplete page.

        A list that is 404 is empty, or GiveUp(GITEE_DENIED) if it is `required`.
        """
        for number in range(1, MOST_PAGES + 1):
            page = replace(call, query={**call.query, "page": number, "per_page": PAGE})
            response = await self._transport.send(page)
            if required and not response.is_success:
                raise GiveUp(Reason.GITEE_DENIED, {"message": f"{page}: 404"})
            items = await self._transport.decoded(page, response) if response.is_success else []
            if not isinstance(items, list):
                raise unreadable(str(page), "the answer is not a list")
            yield items
            total = response.headers.get("total_page", "")
            if number >= int(total) if total.isdecimal() else len(items) < PAGE:
                return


def _at(repo: RepoPath, **values: object) -> dict[str, object]:
    return {"owner": repo.owner, "repo": repo.name, **values}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _comment_id(data: Mapping[str, Any]) -> int:
    return int(data["id"])
