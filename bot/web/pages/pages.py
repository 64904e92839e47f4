"""Pages of runs, pull requests, environments and commands, and test reports in a sandbox."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.core.environments import expiry
from bot.core.reconciling.retention import expired
from bot.core.results import showing
from bot.model.environment import Environment
from bot.model.forge import RepoPath
from bot.model.run import Run, RunState
from bot.model.text import Language
from bot.web.api.operations import PAGE
from bot.web.deps import DEPS
from bot.web.pages.language import COOKIE
from bot.web.pages.run_view import run_facts
from bot.web.pages.templating import TEMPLATES, render, visitor_language

YEAR = 365 * 86_400

# The code under test wrote the contents of a report: no scripts, no forms, no origin.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# A suite's own report needs its scripts: they run in an opaque origin without network access.
OWN_REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; "
    "sandbox allow-scripts; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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
    given = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None  # noqa: PLR2004
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
    if not runs and not environments:
        raise web.HTTPNotFound
    facts = {
        "repo": repo,
        "number": number,
        "runs": await _rows(request, runs),
        **_environments(request, environments),
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


async def report(request: web.Request) -> web.StreamResponse:
    """`GET /reports/{id}/`."""
    deps = request.app[DEPS]
    number = int(request.match_info["id"])
    found = await deps.files.report(number)
    if found is None:
        run = await deps.runs.run(number)
        gone = run is not None and expired(run.finished_at, deps.retention.reports, deps.clock.now())
        raise web.HTTPGone if gone else web.HTTPNotFound
    headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "no-cache"}
    return web.Response(body=found, headers=headers, content_type="text/html", charset="utf-8")


async def own_report(request: web.Request) -> web.StreamResponse:
    """`GET /reports/{id}/suites/…`."""
    found = await request.app[DEPS].files.own_report(
        int(request.match_info["id"]), request.match_info["name"]
    )
    if found is None:
        raise web.HTTPNotFound
    headers = {"Content-Security-Policy": OWN_REPORT_POLICY, "Cache-Control": "no-cache"}
    return web.Response(body=found, headers=headers, content_type="text/html", charset="utf-8")


async def report_folder(request: web.Request) -> web.StreamResponse:
    """`GET /reports/{id}`: redirect to the path with a slash."""
    raise web.HTTPMovedPermanently(f"/reports/{request.match_info['id']}/")


def _environments(request: web.Request, found: Sequence[Environment]) -> dict[str, Any]:
    """Return what the list of environments shows; `extend` has a command for those that expire soon."""
    deps = request.app[DEPS]
    now = deps.clock.now()
    near = [one.key for one in found if expiry.ends_soon(one, now, deps.warning_time)]
    return {
        "environments": found,
        "address": deps.addresses.environment,
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
