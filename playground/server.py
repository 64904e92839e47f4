"""An offline Gitee with an HTTP server, and Python methods on the same state for tests."""

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from bot.web.accepting import stop_accepting
from playground import branches, comments, faults, pulls, repositories
from playground.api.routes import Api
from playground.api.serializers import ApiSerializer
from playground.forge import OfflineForge
from playground.git_repositories import Files, folder_files
from playground.git_server import GitServer
from playground.lfs import LfsServer
from playground.pages.actions import ActionPages
from playground.pages.admin_pages import AdminPages
from playground.pages.read_pages import ReadPages
from playground.pages.site import STATIC, Site
from playground.state import Comment, Hook, HookMode, Permission, Pull, Repository
from playground.webhooks import Delivery, Webhooks

T = TypeVar("T")

BOT_EVENTS = ("note_events", "merge_requests_events")
"""The events that the bot needs."""
SUGGESTIONS = ("/help", "/build", "/deploy", "/test", "/status", "/teardown")
"""Commands that the comment box offers by default."""
_MAX_BODY = 8 * 2**20
_SHUTDOWN_SECONDS = 0.2
"""Time for open requests to end when the server stops."""


class OfflineGitee:
    """A Gitee on its own port: API v5, git over HTTP, webhooks and pages over one state.

    `async with OfflineGitee(folder) as gitee:` serves until the block ends. Repositories are named by
    `owner/path` and people by login, as on Gitee. Actions obey Gitee's rules and raise ForgeRefusedError
    where Gitee refuses. `suggestions` are commands that the comment box offers, `changes` ready-made commits
    of repositories. `public_url` is the address for browsers and the bot, if it differs from the listening
    address.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        public_url: str | None = None,
        suggestions: Sequence[str] = SUGGESTIONS,
        changes: Mapping[str, Mapping[str, Files]] | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._public_url = public_url
        self.url = ""
        self.faults = faults.Faults()
        self.forge = OfflineForge(data_dir)
        self.lfs = LfsServer(self.forge)
        self.webhooks = Webhooks(self.forge.world, self.forge.changes.notify, self.faults)
        self.forge.listeners.append(self.webhooks.announce)
        self._site = Site(
            self.forge,
            self.webhooks,
            suggestions=suggestions,
            changes=changes or {},
            public_url=public_url,
        )
        self._runner: web.AppRunner | None = None
        self._listening: socket.socket | None = None

    @property
    def api_url(self) -> str:
        """Base URL of API v5."""
        return f"{self.url}/api/v5"

    async def start(self) -> None:
        """Start the server. With port 0 the system chooses a free port, see `url`."""
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await self._runner.setup()
        self._listening = socket.create_server((self._host, self._port))
        await web.SockSite(self._runner, self._listening).start()
        port = self._listening.getsockname()[1]
        self.url = self.webhooks.url = self._public_url or f"http://{self._host}:{port}"

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_MAX_BODY, middlewares=[faults.middleware(self.faults)])
        api = Api(self.forge, lambda: ApiSerializer(self.forge.world, self.url), self.webhooks)
        application.add_routes(api.routes())
        application.add_routes(GitServer(self.forge, self.lfs).routes())
        for pages in (AdminPages(self._site), ReadPages(self._site), ActionPages(self._site)):
            application.add_routes(pages.routes())
        application.router.add_static("/-/static", STATIC)
        application.add_routes(ReadPages.last_routes(self._site))
        return application

    async def stop(self) -> None:
        """Stop the deliveries and the server."""
        self.forge.changes.close()
        await self.webhooks.stop()
        if self._runner is not None and self._listening is not None:
            await stop_accepting(self._listening)
            await self._runner.cleanup()
            self._runner = self._listening = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # People and repositories

    def add_user(self, login: str, *, name: str | None = None) -> str:
        """Create a user; return the access token."""
        return repositories.add_user(self.forge, login, name).token

    def token(self, login: str) -> str:
        """Return a user's access token."""
        return self.forge.user(login).token

    async def add_repository(
        self,
        full_name: str,
        files: Files | Path,
        *,
        private: bool = False,
        members: Mapping[str, Permission] | None = None,
        name: str | None = None,
    ) -> Repository:
        """Create a repository with one commit of these files (or of a folder) on `master`.

        Members must be users.
        """
        content = folder_files(files) if isinstance(files, Path) else files
        return await repositories.add_repository(
            self.forge, full_name, content, private=private, members=members, name=name
        )

    def add_lfs_object(self, repository: str, content: bytes) -> str:
        """Store the content of a file in Git LFS; return the pointer that a commit has instead."""
        return self.lfs.add(self.repository(repository), content)

    def add_hook(
        self,
        repository: str,
        url: str,
        secret: str,
        *,
        mode: HookMode = "sign",
        events: tuple[str, ...] = BOT_EVENTS,
    ) -> Hook:
        """Add a webhook to a repository."""
        return repositories.add_hook(
            self.forge, self.repository(repository), url, secret=secret, mode=mode, events=events
        )

    def set_permission(self, repository: str, login: str, permission: Permission | None) -> None:
        """Set a user's permission; None removes it."""
        repositories.set_permission(self.forge, self.repository(repository), login, permission)

    def protect(self, repository: str, branch: str) -> None:
        """Protect a branch: only administrators may push to it, others by pull requests."""
        repositories.protect(self.forge, self.repository(repository), branch)

    async def tag(self, repository: str, name: str, sha: str) -> None:
        """Set a tag, whose name may be that of a branch; where both may be meant, git takes the tag."""
        await self.forge.git(self.repository(repository)).set_ref(f"refs/tags/{name}", sha)

    async def fork(self, repository: str, by: str) -> str:
        """Fork a repository for a user; return the full name of the fork."""
        return (
            await repositories.fork(self.forge, self.repository(repository), self.forge.user(by))
        ).full_name

    def delete_fork(self, full_name: str) -> None:
        """Delete a fork; pull requests from it lose their head repository."""
        repositories.delete(self.forge, self.repository(full_name))

    def repository(self, full_name: str) -> Repository:
        """Return the state of a repository."""
        return self.forge.repository(full_name)

    # Pull requests

    def pull(self, repository: str, number: int) -> Pull:
        """Return the state of a pull request."""
        return self.forge.pull(self.repository(repository), number)

    async def open_pull(
        self,
        repository: str,
        head_branch: str,
        *,
        files: Files | None = None,
        by: str,
        title: str | None = None,
        body: str = "",
        base_branch: str | None = None,
        from_fork: bool = False,
        draft: bool = False,
    ) -> int:
        """Commit these files to a branch, open a pull request from it, and return its number."""
        base, user = self.repository(repository), self.forge.user(by)
        head = await repositories.fork(self.forge, base, user) if from_fork else base
        if files is not None:
            await branches.commit(
                self.forge, head, head_branch, files, by=user, message=f"{title or head_branch}\n"
            )
        pull = await pulls.open_pull(
            self.forge, base, head, head_branch,
            by=user, title=title or head_branch, body=body, base_branch=base_branch, draft=draft,
        )  # fmt: skip
        return pull.number

    async def push(
        self, repository: str, number: int, files: Files, *, by: str, message: str = "Update\n"
    ) -> str:
        """Add a commit to a pull request's branch, also in a fork; return its sha."""
        pull = self.pull(repository, number)
        return await branches.commit_to_pull(self.forge, pull, files, by=self.forge.user(by), message=message)

    async def commit(
        self, repository: str, branch: str, files: Files, *, by: str, message: str = "Update\n"
    ) -> str:
        """Add a commit to a branch, which may be new; return its sha."""
        target, user = self.repository(repository), self.forge.user(by)
        return await branches.commit(self.forge, target, branch, files, by=user, message=message)

    async def edit_pull(
        self, repository: str, number: int, *, by: str, title: str | None = None, draft: bool | None = None
    ) -> None:
        """Change the title or the draft state."""
        pulls.edit(self.forge, self.pull(repository, number), self.forge.user(by), title=title, draft=draft)

    async def retarget(self, repository: str, number: int, base_branch: str, *, by: str) -> None:
        """Change the branch that a pull request targets."""
        await pulls.retarget(self.forge, self.pull(repository, number), self.forge.user(by), base_branch)

    async def label(self, repository: str, number: int, names: list[str], *, by: str) -> None:
        """Replace the labels of a pull request."""
        pulls.set_labels(self.forge, self.pull(repository, number), self.forge.user(by), names)

    async def close(self, repository: str, number: int, *, by: str) -> None:
        """Close it without merging."""
        pulls.close(self.forge, self.pull(repository, number), self.forge.user(by))

    async def reopen(self, repository: str, number: int, *, by: str) -> None:
        """Reopen it."""
        await pulls.reopen(self.forge, self.pull(repository, number), self.forge.user(by))

    async def merge(self, repository: str, number: int, *, by: str, method: str = "merge") -> str:
        """Merge it; return the new commit of the base branch."""
        return await branches.merge(
            self.forge, self.pull(repository, number), self.forge.user(by), method=method
        )

    # Comments

    async def comment(self, repository: str, number: int, body: str, *, by: str) -> int:
        """Create a comment; return its id."""
        return comments.write(self.forge, self.pull(repository, number), body, self.forge.user(by)).id

    async def edit_comment(self, repository: str, comment_id: int, body: str, *, by: str) -> None:
        """Change the text of a comment."""
        comment = self.forge.comment(self.repository(repository), comment_id)
        comments.edit(self.forge, comment, body, self.forge.user(by))

    async def delete_comment(self, repository: str, comment_id: int, *, by: str) -> None:
        """Delete a comment."""
        comment = self.forge.comment(self.repository(repository), comment_id)
        comments.delete(self.forge, comment, self.forge.user(by))

    def comments(self, repository: str, number: int, *, by: str | None = None) -> list[Comment]:
        """Return the comments, of one author if given, oldest first. Each has the history of its texts."""
        found = self.pull(repository, number).visible_comments
        return [one for one in found if by is None or one.author.login == by]

    # Deliveries and waiting

    @property
    def deliveries(self) -> list[Delivery]:
        """All deliveries, oldest first."""
        return self.webhooks.history

    def redeliver(self, index: int) -> Delivery:
        """Send a delivery of the list again, with the same bytes."""
        return self.webhooks.redeliver(self.deliveries[index])

    def ping(self, hook: Hook) -> Delivery:
        """Send a hook's test delivery."""
        return self.webhooks.ping(hook)

    async def delivered(self) -> None:
        """Return when every delivery has got its response or failed."""
        await self.webhooks.delivered()

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 10.0) -> T:  # noqa: ASYNC109 - each call of a test has a timeout of its own
        """Return the first true value of the predicate, called after each change. Raises TimeoutError."""
        return await self.forge.changes.until(predicate, timeout)
