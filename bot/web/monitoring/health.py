"""Endpoints for monitoring: liveness, readiness and metrics."""

from typing import Any

from aiohttp import web
from prometheus_client import generate_latest

from bot.web.deps import DEPS


async def alive(_request: web.Request) -> web.Response:
    """`GET /healthz`: the process responds. No other check, so that no outage elsewhere restarts the bot."""
    return web.json_response({"status": "ok", "message": "alive"})


async def ready(request: web.Request) -> web.Response:
    """`GET /readyz`: the state of each component that the bot needs; 503 while one of them fails."""
    components = await request.app[DEPS].readiness()
    failing = sorted(name for name, problem in components.items() if problem is not None)
    content: dict[str, Any] = {
        "status": "unavailable" if failing else "ok",
        "message": ", ".join(failing) or "ready",
        "parts": {
            name: {"ready": problem is None, "message": problem or "ok"}
            for name, problem in components.items()
        },
    }
    # Not a reason to send webhooks elsewhere: they are stored, and their runs wait.
    content["parts"]["disk"] = {"ready": True, "message": request.app[DEPS].disk_problem() or "ok"}
    return web.json_response(content, status=503 if failing else 200)


async def metrics(request: web.Request) -> web.Response:
    """`GET /metrics`, in Prometheus' text format."""
    deps = request.app[DEPS]
    await deps.refresh_stats()
    body = generate_latest(deps.registry)
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
