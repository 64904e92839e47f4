"""The page of one run, and the parts of it that its script replaces while the run proceeds."""

from typing import Any

from aiohttp import web

from bot.core.reconciling.retention import expired
from bot.core.results import showing
from bot.model.run import Run, RunState
from bot.web.deps import DEPS, WebDeps
from bot.web.pages.logs import LogView, first_lines, recorded, whole_log
from bot.web.pages.pages import page
from bot.web.pages.requested_run import requested_run
from bot.web.pages.run_view import run_facts
from bot.web.pages.templating import visitor_language


async def show(request: web.Request) -> web.Response:
    """`GET /runs/{id}`: complete without a script, logs so far included."""
    run = await requested_run(request)
    logs = request.app[DEPS].files
    views = {
        record.name: await first_lines(logs, run.id, record.name) if record.started_at else LogView()
        for record in run.steps
    }
    facts = {"logs": views, "logs_gone": _logs_gone(request.app[DEPS], run)}
    return page(request, "run.html.j2", {**await _facts(request, run), **facts})


async def live(request: web.Request) -> web.Response:
    """`GET /runs/{id}/live`: the parts that change, without the logs."""
    run = await requested_run(request)
    return page(request, "run_live.html.j2", await _facts(request, run))


async def log_text(request: web.Request) -> web.StreamResponse:
    """`GET /runs/{id}/logs/{step}.txt`."""
    run = await requested_run(request)
    deps, step = request.app[DEPS], request.match_info["step"]
    if not recorded(run, step):
        raise web.HTTPNotFound
    if _logs_gone(deps, run) and not (await first_lines(deps.files, run.id, step)).lines:
        raise web.HTTPGone
    return await whole_log(request, run, step)


async def _facts(request: web.Request, run: Run) -> dict[str, Any]:
    deps = request.app[DEPS]
    language = visitor_language(request, deps.language)
    return {
        "run": run,
        "facts": run_facts(run, await _position(deps, run), language),
        "has_report": await deps.files.has_report(run.id),
        "broken": showing.broken(run, await deps.environments.environments(run.repo, run.number)),
        "report_gone": expired(run.finished_at, deps.retention.reports, deps.clock.now()),
        "gitee_url": deps.gitee_url.rstrip("/"),
    }


def _logs_gone(deps: WebDeps, run: Run) -> bool:
    return expired(run.finished_at, deps.retention.logs, deps.clock.now())


async def _position(deps: WebDeps, run: Run) -> int:
    if run.state is not RunState.QUEUED:
        return 0
    position = (await deps.queue_positions()).get(run.id)
    return position.position if position else 0
