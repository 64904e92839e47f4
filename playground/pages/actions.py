"""The targets of the forms on the pages."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from playground import branches, comments, pulls, refusals, repositories
from playground.git_repositories import Files
from playground.pages.site import Site, form_text
from playground.state import Permission, Pull, Repository, User

_PERMISSIONS: dict[str, Permission | None] = {"admin": "admin", "write": "write", "read": "read", "": None}


class ActionPages:
    """The targets of forms for repositories and pull requests."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._forge = site.forge

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        pull = "/{owner}/{repo}/pulls/{number:\\d+}"
        actions = {
            "/{owner}/{repo}/pulls/new": self.open_pull,
            "/{owner}/{repo}/members": self.set_permission,
            f"{pull}/comments": self.comment,
            f"{pull}/comments/{{id:\\d+}}/edit": self.edit_comment,
            f"{pull}/comments/{{id:\\d+}}/delete": self.delete_comment,
            f"{pull}/close": self.close,
            f"{pull}/reopen": self.reopen,
            f"{pull}/merge": self.merge,
            f"{pull}/push": self.push,
        }
        return [web.post(path, self._site.action(action)) for path, action in actions.items()]

    async def _user(self, request: web.Request) -> User:
        return self._forge.user(await form_text(request, "as"))

    async def open_pull(self, request: web.Request) -> web.StreamResponse:
        """Open a pull request from a branch, after committing a ready-made change to it, if one is chosen."""
        base, user = self._site.repository(request), await self._user(request)
        branch, title = await form_text(request, "branch"), await form_text(request, "title")
        head = base
        if await form_text(request, "fork"):
            head = await repositories.fork(self._forge, base, user)
        change = await form_text(request, "change")
        if change:
            files, message = self._ready_made(base, change), f"{title or change}\n"
            await branches.commit(self._forge, head, branch, files, by=user, message=message)
        pull = await pulls.open_pull(
            self._forge,
            base,
            head,
            branch,
            by=user,
            title=title or change,
            body=await form_text(request, "body"),
            base_branch=await form_text(request, "base") or None,
        )
        return _done(request, pull)

    def _ready_made(self, repository: Repository, name: str) -> Files:
        offered = self._site.changes_of(repository)
        if name not in offered:
            raise refusals.bad_request(f"{name}: no such change")
        return offered[name]

    async def comment(self, request: web.Request) -> web.StreamResponse:
        """Create a comment."""
        pull = self._site.pull(request)
        comments.write(self._forge, pull, await form_text(request, "body"), await self._user(request))
        return _done(request, pull)

    async def edit_comment(self, request: web.Request) -> web.StreamResponse:
        """Change the text of a comment."""
        comment = self._forge.comment(self._site.repository(request), int(request.match_info["id"]))
        comments.edit(self._forge, comment, await form_text(request, "body"), await self._user(request))
        return _done(request, comment.pull)

    async def delete_comment(self, request: web.Request) -> web.StreamResponse:
        """Delete a comment."""
        comment = self._forge.comment(self._site.repository(request), int(request.match_info["id"]))
        comments.delete(self._forge, comment, await self._user(request))
        return _done(request, comment.pull)

    async def close(self, request: web.Request) -> web.StreamResponse:
        """Close a pull request without merging."""
        return await self._after_comment(request, self._close)

    async def _close(self, pull: Pull, user: User) -> None:
        pulls.close(self._forge, pull, user)

    async def reopen(self, request: web.Request) -> web.StreamResponse:
        """Reopen a pull request."""
        return await self._after_comment(request, self._reopen)

    async def _reopen(self, pull: Pull, user: User) -> None:
        await pulls.reopen(self._forge, pull, user)

    async def merge(self, request: web.Request) -> web.StreamResponse:
        """Merge a pull request."""
        return await self._after_comment(request, self._merge)

    async def _merge(self, pull: Pull, user: User) -> None:
        await branches.merge(self._forge, pull, user)

    async def _after_comment(
        self, request: web.Request, act: Callable[[Pull, User], Awaitable[None]]
    ) -> web.StreamResponse:
        """Create a comment if one was entered, then act, as Gitee's “comment and close” does."""
        pull, user, body = (
            self._site.pull(request),
            await self._user(request),
            await form_text(request, "body"),
        )
        if body.strip():
            comments.write(self._forge, pull, body, user)
        await act(pull, user)
        return _done(request, pull)

    async def push(self, request: web.Request) -> web.StreamResponse:
        """Commit a ready-made change or an edited file to a pull request's branch."""
        pull, user = self._site.pull(request), await self._user(request)
        change, path = await form_text(request, "change"), await form_text(request, "path")
        if not change and not path:
            raise refusals.bad_request("path is missing")
        files = (
            self._ready_made(pull.repository, change)
            if change
            else {path: await form_text(request, "content")}
        )
        message = await form_text(request, "message") or change or f"Update {path}"
        await branches.commit_to_pull(self._forge, pull, files, by=user, message=f"{message}\n")
        return _done(request, pull)

    async def set_permission(self, request: web.Request) -> web.StreamResponse:
        """Set a user's permission in a repository."""
        repository: Repository = self._site.repository(request)
        given = await form_text(request, "permission")
        if given not in _PERMISSIONS:
            raise refusals.bad_request("permission does not have a valid value")
        login = await form_text(request, "login")
        repositories.set_permission(self._forge, repository, login, _PERMISSIONS[given])
        raise web.HTTPSeeOther("/-/people")


def _done(request: web.Request, pull: Pull) -> web.Response:
    """Return an empty response to a script, and to a browser a redirect to the pull request."""
    if request.headers.get("Accept") == "application/json":
        return web.Response(status=204)
    return web.Response(status=303, headers={"Location": f"/{pull.repository.full_name}/pulls/{pull.number}"})
