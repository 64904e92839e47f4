"""Answers only requests to the bot's own names; see `bot/core/admission/hosts.py`."""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.core.admission import hosts
from bot.web.throttled_log import Throttle

logger = logging.getLogger(__name__)

ALIVE = "/healthz"
"""Load balancers ask for it by any name, and it reveals nothing."""
PROBES = frozenset({ALIVE, "/readyz", "/metrics"})
"""Old probes send HTTP/1.0 without a Host header, which no browser does."""


def known_hosts(names: tuple[str, ...]) -> Middleware:
    """Return a middleware that refuses requests to other names with 421, and says what to set."""
    throttle = Throttle(logger)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        header = request.headers.get("Host", "")
        probe = request.path == ALIVE or (request.path in PROBES and not header)
        if probe or hosts.answers(header, names):
            return await handler(request)
        name = hosts.host_name(header) or "bot.example.com"
        advice = f'if it is the bot\'s own, set [server] public_url or [server] hosts = ["{name}"]'
        text = "refused a request to the name %.100r from %s; %s"
        throttle.warning("host", text, header, request.remote, advice)
        return web.Response(status=421, text=f"The bot does not answer to the name {name}; {advice}\n")

    return check
