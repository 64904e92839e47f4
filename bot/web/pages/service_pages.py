"""The page with the output of what a run has deployed, and the part of it that its script replaces."""

from typing import Any

from aiohttp import web

from bot.model.environment import Environment
from bot.model.run import Run
from bot.web.deps import DEPS
from bot.web.pages.pages import page
from bot.web.pages.requested_run import requested_run


async def show(request: web.Request) -> web.Response:
    """`GET /runs/{id}/services`: the last lines of each service."""
    return page(request, "services.html.j2", await _facts(request))


async def live(request: web.Request) -> web.Response:
    """`GET /runs/{id}/services/live`: the same, without the page around it."""
    return page(request, "services_live.html.j2", await _facts(request))


async def text(request: web.Request) -> web.Response:
    """`GET /runs/{id}/services/{name}.txt`: one of them, as text that browsers do not interpret."""
    run = await requested_run(request)
    name = request.match_info["name"]
    found = await request.app[DEPS].services.read(run, name, await _environment(request, run))
    if found is None:
        raise web.HTTPNotFound
    return web.Response(text=f"{found.text}\n", content_type="text/plain", charset="utf-8")


async def _facts(request: web.Request) -> dict[str, Any]:
    run = await requested_run(request)
    environment = await _environment(request, run)
    logs = await request.app[DEPS].services.all(run, environment)
    return {"run": run, "environment": environment, "logs": logs}


async def _environment(request: web.Request, run: Run) -> Environment | None:
    """Return the environment that a run has deployed, if it still exists."""
    found = await request.app[DEPS].environments.environments(run.repo, run.number)
    return next((one for one in found if one.run == run.id), None)
