"""For whoever operates the bot: is it alive, is it ready, what does it measure."""

from aiohttp import web
from prometheus_client import generate_latest

from bot.web.deps import DEPS


async def alive(_request: web.Request) -> web.Response:
    """`GET /healthz`: the process answers; nothing else is asked, so that no outage restarts the bot."""
    return web.json_response({"status": "ok", "message": "alive"})


async def ready(request: web.Request) -> web.Response:
    """`GET /readyz`: each part the bot needs, and 503 while one of them is in trouble."""
    found = await request.app[DEPS].health.readiness()
    red = sorted(name for name, trouble in found.items() if trouble is not None)
    parts = {name: {"ready": trouble is None, "message": trouble or "ok"} for name, trouble in found.items()}
    words = {"status": "unavailable" if red else "ok", "message": ", ".join(red) or "ready", "parts": parts}
    return web.json_response(words, status=503 if red else 200)


async def metrics(request: web.Request) -> web.Response:
    """`GET /metrics`, in Prometheus' text format."""
    deps = request.app[DEPS]
    await deps.recount()
    body = generate_latest(deps.registry)
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
