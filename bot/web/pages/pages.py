"""Pages of runs, pull requests, environments and commands."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.core.environments import expiry, public
from bot.core.results import showing
from bot.model.environment import Environment
from bot.model.forge import RepoPath
from bot.model.run import Run, RunState
from bot.model.text import Language
from bot.web.api.operations import ID, PAGE
from bot.web.deps import DEPS
from bot.web.pages.language import COOKIE
from bot.web.pages.run_view import run_facts
from bot.web.pages.templating import TEMPLATES, render, visitor_language

YEAR = 365 * 86_400


def page(request: web.Request, name: str, facts: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """Return a page in the visitor's language; a cookie remembers the choice by `?lang=`."""
    deps = request.app[DEPS]
    language = visitor_language(request, deps.language)
    html = render(request.app[TEMPLATES], name, language, deps.clock.now(), {**facts, "path": request.path})
    response = web.Response(text=html, content_type="text/html", charset="utf-8", status=status)
    response.headers["Vary"] = "Accept-Language, Cookie"
    response.headers["Cache-Control"] = "no-cache"
    if request.query.get("lang") in set(Language):
        response.set_cookie(COOKIE, language, max_age=YEAR, samesite="Lax", httponly=True)
    return response


async def home(request: web.Request) -> web.Response:
    """`GET /`: runs that are not over, then those that are."""
    deps = request.app[DEPS]
    before = request.query.get("before", "")
    given = int(before) if re.fullmatch(ID, before) else None
    found = await deps.runs.runs(before=given, limit=PAGE)
    active = () if given else tuple(reversed(await deps.runs.unfinished()))
    over = tuple(run for run in found if run.id not in {one.id for one in active})
    environments = await deps.environments.environments()
    return page(
        request,
        "home.html.j2",
        {
            "runs": await _rows(request, (*active, *over)),
            "environments": len(environments),
            "older": found[-1].id if len(found) == PAGE else None,
            "first_page": given is None,
        },
    )


async def pull(request: web.Request) -> web.Response:
    """`GET /prs/{owner}/{repo}/{number}`."""
    deps = request.app[DEPS]
    repo = RepoPath(request.match_info["owner"], request.match_info["repo"])
    number = int(request.match_info["number"])
    runs = await deps.runs.runs(repo=repo, number=number, limit=PAGE)
    environments = await deps.environments.environments(repo, number)
    approvals = await deps.approvals.approvals(repo, number)
    if not runs and not environments and not approvals:
        raise web.HTTPNotFound
    facts = {
        "repo": repo,
        "number": number,
        "runs": await _rows(request, runs),
        **_environments(request, environments),
        "approvals": approvals,
        "gitee_url": deps.gitee_url.rstrip("/"),
    }
    return page(request, "pull.html.j2", facts)


async def environments(request: web.Request) -> web.Response:
    """`GET /environments`."""
    deps = request.app[DEPS]
    found = sorted(await deps.environments.environments(), key=lambda one: one.key)
    return page(request, "environments.html.j2", _environments(request, found))


async def commands(request: web.Request) -> web.Response:
    """`GET /commands`."""
    return page(request, "commands.html.j2", {"commands": request.app[DEPS].commands})


def _environments(request: web.Request, found: Sequence[Environment]) -> dict[str, Any]:
    """Return what the list of environments shows; `extend` has a command for those that expire soon."""
    deps = request.app[DEPS]
    now = deps.clock.now()
    near = [one.key for one in found if expiry.ends_soon(one, now, deps.warning_time)]
    return {
        "environments": found,
        "address": deps.addresses.environment,
        "services": {
            one.key: public.urls(deps.addresses, one.host, one.public) for one in found if one.public
        },
        "extend": {key: showing.extend_command(key.name) for key in near},
    }


async def _rows(request: web.Request, runs: tuple[Run, ...]) -> list[dict[str, Any]]:
    deps = request.app[DEPS]
    language = visitor_language(request, deps.language)
    waiting = any(run.state is RunState.QUEUED for run in runs)
    positions = await deps.queue_positions() if waiting else {}
    return [
        {
            "run": run,
            "facts": run_facts(run, positions[run.id].position if run.id in positions else 0, language),
        }
        for run in runs
    ]
