"""Repositories and their contents: branches, commits, comparisons, files and trees."""

from aiohttp import web

from playground import git_history, refusals
from playground.api import git_serializers
from playground.api.requests import ApiRequest, Chapter
from playground.git_repositories import GitRepository
from playground.state import Repository

chapter = Chapter()


async def _resolved(git: GitRepository, ref: str) -> str:
    """Return the commit of a branch, tag or sha. Raises 404."""
    sha = await git.resolve(f"refs/heads/{ref}") or await git.resolve(ref)
    if sha is None:
        raise refusals.not_found("404 Commit Not Found")
    return sha


@chapter.add("GET", "/R")
async def repository(call: ApiRequest) -> web.Response:
    """Return a repository by name."""
    return web.json_response(call.serializer.repository(call.repository(), call.user))


@chapter.add("GET", "/R/branches")
async def branches(call: ApiRequest) -> web.Response:
    """Return a page of branches."""
    found = call.repository()
    refs = await call.forge.git(found).refs()
    pairs = [(ref.removeprefix("refs/heads/"), sha) for ref, sha in refs.items()]
    return call.page(pairs, lambda pair: git_serializers.branch(call.serializer, found, *pair))


@chapter.add("GET", "/R/branches/{branch:.+}")
async def branch(call: ApiRequest) -> web.Response:
    """Return a branch by name."""
    found, name = call.repository(), call.path("branch")
    git = call.forge.git(found)
    sha = await git.resolve(f"refs/heads/{name}")
    if sha is None:
        raise refusals.not_found("404 Branch Not Found")
    tip = (await git_history.commits(git, sha, limit=1))[0]
    return web.json_response(git_serializers.complete_branch(call.serializer, found, name, tip))


@chapter.add("GET", "/R/commits")
async def commits(call: ApiRequest) -> web.Response:
    """Return a page of commits of a branch, newest first."""
    found = call.repository()
    git = call.forge.git(found)
    sha = await _resolved(git, call.text("sha") or found.default_branch)
    return call.page(
        await git_history.commits(git, sha), lambda one: git_serializers.commit(call.serializer, found, one)
    )


@chapter.add("GET", "/R/commits/{sha:[^/]+}")
async def commit(call: ApiRequest) -> web.Response:
    """Return a commit with its files and counts."""
    found = call.repository()
    git = call.forge.git(found)
    one = (await git_history.commits(git, await _resolved(git, call.path("sha")), limit=1))[0]
    changed = await git_history.changed_files(
        git, one.parents[0] if one.parents else git_history.EMPTY_TREE, one.sha
    )
    added, removed = sum(file.additions for file in changed), sum(file.deletions for file in changed)
    body = {
        **git_serializers.commit(call.serializer, found, one),
        "stats": {"id": one.sha, "additions": added, "deletions": removed, "total": added + removed},
        "files": [git_serializers.diff_file(call.serializer, found, one.sha, file) for file in changed],
        "truncated": False,
    }
    return web.json_response(body)


@chapter.add("GET", "/R/compare/{range:.+}")
async def compare(call: ApiRequest) -> web.Response:
    """Return the commits and changes that the second of two revisions has and the first does not."""
    found = call.repository()
    git = call.forge.git(found)
    first, dots, second = call.path("range").partition("...")
    if not dots:
        raise refusals.bad_request("400 Bad Request: base...head is expected")
    base, head = await _resolved(git, first), await _resolved(git, second)
    since = base if call.flag("straight") else await git_history.merge_base(git, base, head)
    listed = await git_history.commits(git, f"{since}..{head}")
    ends = [(await git_history.commits(git, sha, limit=1))[0] for sha in (base, since)]
    changed = await git_history.changed_files(git, since, head)
    body = {
        "base_commit": git_serializers.commit(call.serializer, found, ends[0]),
        "merge_base_commit": git_serializers.commit(call.serializer, found, ends[1]),
        "commits": [git_serializers.commit(call.serializer, found, one) for one in reversed(listed)],
        "files": [git_serializers.diff_file(call.serializer, found, head, file) for file in changed],
        "truncated": False,
    }
    return web.json_response(body)


async def _listing(call: ApiRequest, found: Repository, ref: str, path: str) -> web.Response:
    git = call.forge.git(found)
    sha = await git.resolve(ref)
    entries = await git_history.tree(git, sha, recursive=False, below=path) if sha else None
    prefix = f"{path}/" if path else ""
    shown = [
        git_serializers.content(call.serializer, found, ref, prefix + one.path, one) for one in entries or []
    ]
    return web.json_response(shown)


@chapter.add("GET", "/R/contents")
async def root(call: ApiRequest) -> web.Response:
    """Return the list of the root folder."""
    found = call.repository()
    return await _listing(call, found, call.text("ref") or found.default_branch, "")


@chapter.add("GET", "/R/contents/{path:.*}")
async def contents(call: ApiRequest) -> web.Response:
    """Return a file, or the list of a folder. For a path that does not exist, `[]` with 200, as on Gitee."""
    found = call.repository()
    ref, path = call.text("ref") or found.default_branch, call.path("path").strip("/")
    blob = await git_history.blob(call.forge.git(found), ref, path)
    if blob is None:
        return await _listing(call, found, ref, path)
    return web.json_response(git_serializers.file_content(call.serializer, found, ref, path, *blob))


@chapter.add("GET", "/R/raw/{path:.+}")
async def raw(call: ApiRequest) -> web.Response:
    """Return the content of a file."""
    found = call.repository()
    ref = call.text("ref") or found.default_branch
    blob = await git_history.blob(call.forge.git(found), ref, call.path("path"))
    if blob is None:
        raise refusals.not_found("404 File Not Found")
    return web.Response(body=blob[1], content_type="application/octet-stream")


@chapter.add("GET", "/R/git/trees/{sha:.+}")
async def tree(call: ApiRequest) -> web.Response:
    """Return a tree by sha or branch; with all trees below it if `recursive=1`."""
    found = call.repository()
    recursive = call.text("recursive") == "1"
    entries = await git_history.tree(call.forge.git(found), call.path("sha"), recursive=recursive)
    if entries is None:
        raise refusals.not_found("404 Tree Not Found")
    body = {
        "sha": call.path("sha"),
        "url": f"{call.serializer.api}/repos/{found.full_name}/git/trees/{call.path('sha')}",
        "tree": [git_serializers.tree_entry(call.serializer, found, one) for one in entries],
        "truncated": False,
    }
    return web.json_response(body)
