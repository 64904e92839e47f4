"""Pages about repositories, pull requests, commits and files, and the stream of changes that updates them."""

from aiohttp import web

from playground import git_history, refusals
from playground.git_repositories import GitRepository
from playground.pages import views
from playground.pages.site import Site
from playground.state import Pull, Repository

_STATES = ("open", "merged", "closed", "all")


class ReadPages:
    """All pages that change nothing."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._forge = site.forge

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        pull = "/{owner}/{repo}/pulls/{number:\\d+}"
        pages = {
            "/": self.repositories,
            "/{owner}/{repo}": self.repository,
            "/{owner}/{repo}/pulls": self.pulls,
            "/{owner}/{repo}/pulls/new": self.new,
            pull: self.pull,
            f"{pull}.diff": self.diff,
            f"{pull}/commits": self.commits,
            f"{pull}/files": self.files,
            f"{pull}/file": self.file,
            "/{owner}/{repo}/commit/{sha}": self.commit,
            "/{owner}/{repo}/commits/{sha}": self.commit,
            "/{owner}/{repo}/compare/{base:[0-9a-f]{40}}...{head:[0-9a-f]{40}}": self.compare,
            "/{owner}/{repo}/{kind:blob|raw}/{sha}/{path:.+}": self.blob,
            "/-/avatars/{login}.svg": self.avatar,
        }
        served = [web.get(path, self._site.page(page)) for path, page in pages.items()]
        return [*served, web.get("/-/changes", self.changes)]

    @staticmethod
    def last_routes(site: Site) -> list[web.RouteDef]:
        """Return the route for unknown paths, to be added after all others."""

        async def unknown(_request: web.Request) -> web.Response:
            raise refusals.not_found()

        return [web.get("/{rest:.*}", site.page(unknown))]

    async def repositories(self, request: web.Request) -> web.Response:
        """Show every repository."""
        found = list(self._forge.world.repositories.values())
        return self._site.render(request, "repositories.html.j2", repositories=found)

    async def repository(self, request: web.Request) -> web.StreamResponse:
        """Redirect to its pull requests."""
        raise web.HTTPFound(f"/{self._site.repository(request).full_name}/pulls")

    async def pulls(self, request: web.Request) -> web.Response:
        """Show a repository's pull requests, newest first."""
        repository = self._site.repository(request)
        state = request.query.get("state", "open")
        found = [one for one in repository.pulls.values() if state in {"all", one.state}]
        facts = {
            "repository": repository,
            "pulls": found[::-1],
            "state": state,
            "states": _STATES,
            "clone_url": f"{request.scheme}://{request.host}/{repository.full_name}.git",
        }
        return self._site.render(request, "pulls.html.j2", **facts)

    async def new(self, request: web.Request) -> web.Response:
        """Show the form for a new pull request."""
        repository = self._site.repository(request)
        refs = await self._forge.git(repository).refs()
        facts = {
            "repository": repository,
            "branches": [ref.removeprefix("refs/heads/") for ref in refs],
            "changes": list(self._site.changes_of(repository)),
            "next_number": max(repository.pulls, default=0) + 1,
        }
        return self._site.render(request, "new_pull.html.j2", **facts)

    async def pull(self, request: web.Request) -> web.Response:
        """Show a pull request's conversation."""
        pull = self._site.pull(request)
        paths = await self._paths(pull)
        changes = list(self._site.changes_of(pull.repository))
        facts = {"suggestions": self._site.suggestions, "changes": changes, "paths": paths}
        return self._site.render(request, "pull.html.j2", **self._facts(pull), **facts)

    def _facts(self, pull: Pull) -> dict[str, object]:
        world = self._forge.world
        members = [(user, views.role(world, pull.repository, user)) for user in world.users.values()]
        checks = [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]
        return {
            "pull": pull,
            "repository": pull.repository,
            "items": views.conversation(pull),
            "log_message": views.log_message,
            "members": members,
            "roles": {user.login: role for user, role in members},
            "checks": checks,
        }

    async def _paths(self, pull: Pull) -> list[str]:
        entries = await git_history.tree(self._git(pull.repository), pull.head_sha, recursive=True)
        return [entry.path for entry in entries or [] if entry.kind == "blob"]

    def _git(self, repository: Repository) -> GitRepository:
        return self._forge.git(repository)

    async def commits(self, request: web.Request) -> web.Response:
        """Show a pull request's commits."""
        pull = self._site.pull(request)
        selection = f"{pull.base_sha}..{pull.head_sha}"
        listed = await git_history.commits(self._git(pull.repository), selection)
        return self._site.render(request, "commits.html.j2", **self._facts(pull), commits=listed)

    async def files(self, request: web.Request) -> web.Response:
        """Show the changes of a pull request, line by line."""
        pull = self._site.pull(request)
        git = self._git(pull.repository)
        since = await git_history.merge_base(git, pull.base_sha, pull.head_sha)
        changed = await git_history.changed_files(git, since, pull.head_sha)
        shown = [(change, views.diff_lines(change)) for change in changed]
        return self._site.render(request, "files.html.j2", **self._facts(pull), files=shown)

    async def commit(self, request: web.Request) -> web.Response:
        """Show a commit and its changes."""
        repository = self._site.repository(request)
        git = self._git(repository)
        sha = await git.resolve(request.match_info["sha"])
        if sha is None:
            raise refusals.not_found("404 Commit Not Found")
        found = (await git_history.commits(git, sha, limit=1))[0]
        parent = found.parents[0] if found.parents else git_history.EMPTY_TREE
        changed = await git_history.changed_files(git, parent, sha)
        shown = [(change, views.diff_lines(change)) for change in changed]
        return self._site.render(request, "commit.html.j2", repository=repository, commit=found, files=shown)

    async def compare(self, request: web.Request) -> web.Response:
        """Show the changes that one commit has since it left another, as a pull request shows them."""
        repository = self._site.repository(request)
        git = self._git(repository)
        base, head = request.match_info["base"], request.match_info["head"]
        if not all([await git.resolve(f"{sha}^{{commit}}") for sha in (base, head)]):
            raise refusals.not_found("404 Commit Not Found")
        changed = await git_history.changed_files(git, await git_history.merge_base(git, base, head), head)
        shown = [(change, views.diff_lines(change)) for change in changed]
        facts = {"repository": repository, "base": base, "head": head, "files": shown}
        return self._site.render(request, "compare.html.j2", **facts)

    async def blob(self, request: web.Request) -> web.Response:
        """Return a file at a revision, always as plain text."""
        git = self._git(self._site.repository(request))
        found = await git_history.blob(git, request.match_info["sha"], request.match_info["path"])
        if found is None:
            raise refusals.not_found("404 File Not Found")
        headers = {"X-Content-Type-Options": "nosniff"}
        return web.Response(body=found[1], content_type="text/plain", charset="utf-8", headers=headers)

    async def diff(self, request: web.Request) -> web.Response:
        """Return the diff as text, as Gitee does for `.diff`."""
        pull = self._site.pull(request)
        git = self._git(pull.repository)
        since = await git_history.merge_base(git, pull.base_sha, pull.head_sha)
        text = await git.run("diff", "--no-ext-diff", "--no-textconv", since, pull.head_sha)
        return web.Response(body=text, content_type="text/plain", charset="utf-8")

    async def file(self, request: web.Request) -> web.Response:
        """Return a file at the head of a pull request, for editing."""
        pull = self._site.pull(request)
        git = self._git(pull.repository)
        blob = await git_history.blob(git, pull.head_sha, request.query.get("path", ""))
        if blob is None:
            raise refusals.not_found("404 File Not Found")
        return web.Response(text=blob[1].decode(errors="replace"), content_type="text/plain")

    async def avatar(self, request: web.Request) -> web.Response:
        """Return an image with the first letter of a user's name."""
        user = self._forge.user(request.match_info["login"])
        headers = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "max-age=3600"}
        return web.Response(text=views.avatar(user), content_type="image/svg+xml", headers=headers)

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """Stream the current version number after each change, as server-sent events."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        version = -1
        while not self._forge.changes.closed:
            version = await self._forge.changes.after(version)
            await response.write(f"data: {version}\n\n".encode())
        return response
