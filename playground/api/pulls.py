"""Pull requests: listing, opening, changing, merging, reviewing and labels."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from playground import branches, git_history, pulls, refusals, repositories
from playground.api import git_serializers
from playground.api.requests import ApiRequest, Chapter
from playground.state import Pull, Repository

chapter = Chapter()
_PULL = "/R/pulls/{number:\\d+}"
_SORT: dict[str, Callable[[Pull], Any]] = {
    "created": lambda pull: (pull.created_at, pull.number),
    "updated": lambda pull: (pull.updated_at, pull.number),
}


def _selected(call: ApiRequest, pull: Pull) -> bool:
    state = call.text("state", "open")
    wanted = {
        "head": {pull.head_branch, f"{pull.author.login}:{pull.head_branch}"},
        "base": {pull.base_branch},
        "author": {pull.author.login},
        "assignee": {user.login for user in pull.assignees},
        "tester": {user.login for user in pull.testers},
    }
    labels = {name for name in call.text("labels").split(",") if name}
    return (
        state in {"all", pull.state}
        and pull.updated_at >= _moment(call.text("since"), pull.updated_at)
        and all(call.text(name) in {"", *values} for name, values in wanted.items())
        and labels <= {label.name for label in pull.labels}
    )


def _moment(text: str, default: datetime) -> datetime:
    """Return a time given in ISO 8601. Raises 400 for other formats."""
    try:
        moment = datetime.fromisoformat(text) if text else default
    except ValueError as error:
        raise refusals.bad_request("since does not have a valid value") from error
    return moment if moment.tzinfo else moment.astimezone()


@chapter.add("GET", "/R/pulls")
async def listed(call: ApiRequest) -> web.Response:
    """Return a page of pull requests; by default open ones, newest first."""
    found = [pull for pull in call.repository().pulls.values() if _selected(call, pull)]
    found.sort(
        key=_SORT.get(call.text("sort"), _SORT["created"]), reverse=call.text("direction", "desc") != "asc"
    )
    return call.page(found, call.serializer.pull)


def _head(call: ApiRequest, repository: Repository) -> tuple[Repository, str]:
    """Return repository and branch of `head`: a branch of this repository, or `owner:branch` of a fork."""
    owner, colon, branch = call.text("head").rpartition(":")
    if not colon or owner.lower() == repository.owner.lower():
        return repository, branch
    candidates = call.forge.world.repositories.values()
    fork = next(
        (one for one in candidates if one.parent is repository and one.owner.lower() == owner.lower()), None
    )
    if fork is None:
        raise refusals.bad_request("源仓库不存在")
    return fork, branch


@chapter.add("POST", "/R/pulls")
async def open_pull(call: ApiRequest) -> web.Response:
    """Open a pull request."""
    repository, user = call.repository(), call.known_user()
    head, branch = _head(call, repository)
    pull = await pulls.open_pull(
        call.forge,
        repository,
        head,
        branch,
        by=user,
        title=call.text("title"),
        body=call.text("body"),
        base_branch=call.text("base") or None,
        draft=call.flag("draft"),
    )
    return web.json_response(call.serializer.pull(pull), status=201)


@chapter.add("GET", _PULL)
async def one(call: ApiRequest) -> web.Response:
    """Return a pull request by number."""
    return web.json_response(call.serializer.pull(call.pull()))


@chapter.add("PATCH", _PULL)
async def edit(call: ApiRequest) -> web.Response:
    """Change title, body, draft, labels or state."""
    pull, user, given = call.pull(), call.known_user(), call.parameters
    if {"title", "body", "draft"} & given.keys():
        pulls.edit(
            call.forge,
            pull,
            user,
            title=call.text("title") if "title" in given else None,
            body=call.text("body") if "body" in given else None,
            draft=call.flag("draft") if "draft" in given else None,
        )
    if "labels" in given:
        pulls.set_labels(call.forge, pull, user, [name for name in call.text("labels").split(",") if name])
    await _change_state(call, pull)
    return web.json_response(call.serializer.pull(pull))


async def _change_state(call: ApiRequest, pull: Pull) -> None:
    wanted = call.text("state")
    if wanted in {"", pull.state}:
        return
    if wanted == "closed":
        pulls.close(call.forge, pull, call.known_user())
    elif wanted == "open":
        await pulls.reopen(call.forge, pull, call.known_user())
    else:
        raise refusals.bad_request("state does not have a valid value")


@chapter.add("GET", f"{_PULL}/commits")
async def commits(call: ApiRequest) -> web.Response:
    """Return its commits, newest first, up to 250, on one page."""
    pull = call.pull()
    found = await git_history.commits(call.forge.git(pull.repository), f"{pull.base_sha}..{pull.head_sha}")
    return web.json_response([git_serializers.commit(call.serializer, pull.repository, one) for one in found])


@chapter.add("GET", f"{_PULL}/files")
async def files(call: ApiRequest) -> web.Response:
    """Return its changed files, up to 300, on one page."""
    pull = call.pull()
    git = call.forge.git(pull.repository)
    since = await git_history.merge_base(git, pull.base_sha, pull.head_sha)
    found = await git_history.changed_files(git, since, pull.head_sha)
    return web.json_response([git_serializers.pull_file(call.serializer, pull, one) for one in found])


@chapter.add("GET", f"{_PULL}/operate_logs")
async def operate_logs(call: ApiRequest) -> web.Response:
    """Return its events, newest first."""
    pull = call.pull()
    shown = [call.serializer.log_entry(number, entry) for number, entry in enumerate(pull.log, 1)]
    return web.json_response(shown[::-1])


@chapter.add("GET", f"{_PULL}/issues")
async def issues(call: ApiRequest) -> web.Response:
    """Return linked issues; there are none here."""
    call.pull()
    return call.page([], dict)


@chapter.add("GET", f"{_PULL}/merge")
async def is_merged(call: ApiRequest) -> web.Response:
    """Return 204 if it is merged, otherwise 404."""
    if call.pull().state != "merged":
        raise refusals.not_found()
    return web.Response(status=204)


@chapter.add("PUT", f"{_PULL}/merge")
async def merge(call: ApiRequest) -> web.Response:
    """Merge it."""
    pull, method = call.pull(), call.text("merge_method", "merge")
    if method not in {"merge", "squash", "rebase"}:
        raise refusals.bad_request("merge_method does not have a valid value")
    sha = await branches.merge(call.forge, pull, call.known_user(), method=method, message=call.text("title"))
    return web.json_response({"sha": sha, "merged": True, "message": "Pull Request 已成功合并"})


@chapter.add("POST", f"{_PULL}/review")
async def review(call: ApiRequest) -> web.Response:
    """Pass the review. Gitee's documentation says 201, but it returns 204."""
    pulls.approve(call.forge, call.pull(), call.known_user(), force=call.flag("force"))
    return web.Response(status=204)


@chapter.add("POST", f"{_PULL}/test")
async def test(call: ApiRequest) -> web.Response:
    """Pass the manual test. Gitee's documentation says 201, but it returns 204."""
    pulls.pass_test(call.forge, call.pull(), call.known_user(), force=call.flag("force"))
    return web.Response(status=204)


@chapter.add("GET", f"{_PULL}/labels")
async def labels(call: ApiRequest) -> web.Response:
    """Return a page of its labels."""
    pull = call.pull()
    return call.page(pull.labels, lambda label: call.serializer.label(pull.repository, label))


def _label_names(call: ApiRequest) -> list[str]:
    if not isinstance(call.body, list) or not all(isinstance(name, str) for name in call.body):
        raise refusals.bad_request("400 Bad Request: an array of label names is expected")
    return call.body


@chapter.add("POST", f"{_PULL}/labels")
async def add_labels(call: ApiRequest) -> web.Response:
    """Add labels; the body is a bare array of names."""
    pull = call.pull()
    names = [*(label.name for label in pull.labels), *_label_names(call)]
    pulls.set_labels(call.forge, pull, call.known_user(), names)
    shown = [call.serializer.label(pull.repository, label) for label in pull.labels]
    return web.json_response(shown, status=201)


@chapter.add("PUT", f"{_PULL}/labels")
async def replace_labels(call: ApiRequest) -> web.Response:
    """Replace all labels; the body is a bare array of names."""
    pull = call.pull()
    pulls.set_labels(call.forge, pull, call.known_user(), _label_names(call))
    return web.json_response([call.serializer.label(pull.repository, label) for label in pull.labels])


@chapter.add("DELETE", f"{_PULL}/labels/{{name:[^/]+}}")
async def remove_labels(call: ApiRequest) -> web.Response:
    """Remove labels, separated by commas; a slash in a name is %2F."""
    pull = call.pull()
    removed = set(unquote(call.path("name")).split(","))
    pulls.set_labels(
        call.forge, pull, call.known_user(), [one.name for one in pull.labels if one.name not in removed]
    )
    return web.Response(status=204)


@chapter.add("GET", "/R/labels")
async def repository_labels(call: ApiRequest) -> web.Response:
    """Return all labels of the repository, on one page."""
    repository = call.repository()
    return web.json_response(
        [call.serializer.label(repository, label) for label in repository.labels.values()]
    )


@chapter.add("POST", "/R/labels")
async def make_label(call: ApiRequest) -> web.Response:
    """Create a label."""
    repository = call.repository("write")
    label = repositories.label(call.forge, repository, call.text("name"))
    label.color = call.text("color", label.color)
    return web.json_response(call.serializer.label(repository, label), status=201)
