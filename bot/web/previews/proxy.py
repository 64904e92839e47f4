"""The application of the previews' port, which keeps them out of the dashboard's origin.

The first label of the Host header names the environment, or one of its public services. Requests go only to
the endpoint that the store holds for it.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import nullcontext, suppress

import aiohttp
from aiohttp import web
from aiohttp.log import server_logger

from bot.core import naming
from bot.core.environments import public
from bot.model.environment import Endpoint, Environment, EnvironmentState
from bot.model.errors import RetryLater
from bot.web.connections import in_progress
from bot.web.deps import PreviewDeps
from bot.web.monitoring.metrics import PreviewMetrics
from bot.web.pages.templating import TEMPLATES, new_templates
from bot.web.previews.forwarding import (
    InvalidTargetError,
    UnreachableServiceError,
    forward,
    new_session,
    raw_target,
)
from bot.web.previews.headers import Front
from bot.web.previews.hostnames import preview_label
from bot.web.previews.notices import Absence, Notice, absence, notice_page
from bot.web.previews.shares import BusyPreviewError, Shares
from bot.web.previews.websockets import relay, wants_websocket

DEPS = web.AppKey("preview_deps", PreviewDeps)
METRICS = web.AppKey("preview_metrics", PreviewMetrics)
SESSION = web.AppKey("preview_session", aiohttp.ClientSession)
SHARES = web.AppKey("preview_shares", Shares)

SHUTDOWN_SECONDS = 3.0
_REPEATABLE = {"GET", "HEAD", "OPTIONS"}


def preview_application(deps: PreviewDeps) -> web.Application:
    """Return the proxy. Serve it with `preview_runner`; other runners decompress uploads."""
    app = web.Application(middlewares=[in_progress])
    app[DEPS] = deps
    app[METRICS] = PreviewMetrics.in_registry(deps.registry)
    app[TEMPLATES] = new_templates()
    app[SHARES] = Shares(deps.requests)
    app.cleanup_ctx.append(_session)
    app.router.add_route("*", "/{path:.*}", visit)
    return app


def preview_runner(app: web.Application, logger: logging.Logger = server_logger) -> web.AppRunner:
    """Return a runner that passes bytes unchanged, and disconnects from a service when the visitor leaves."""
    return web.AppRunner(
        app,
        auto_decompress=False,
        handler_cancellation=True,
        max_line_size=32_768,
        max_field_size=32_768,
        shutdown_timeout=SHUTDOWN_SECONDS,
        access_log=None,
        logger=logger,
    )


async def visit(request: web.Request) -> web.StreamResponse:
    """Serve any request to any preview."""
    metrics = request.app[METRICS]
    with metrics.in_progress.track_inprogress():
        response, outcome = await _visit(request, request.app[DEPS])
    metrics.requests.labels(outcome=outcome).inc()
    return response


async def _visit(request: web.Request, deps: PreviewDeps) -> tuple[web.StreamResponse, str]:
    label = preview_label(request.host, deps.addresses.preview_domain) or ""
    try:
        environment = await _find(label, deps) if label else None
    except RetryLater:
        return notice_page(request, Notice(Absence.UNAVAILABLE), deps), Absence.UNAVAILABLE
    missing = absence(environment)
    if environment is None or missing is not None:
        missing = missing or Absence.UNKNOWN
        return notice_page(request, Notice(missing, environment), deps), missing
    if environment.url and environment.endpoint is None:
        # Its deployer serves it at a URL of its own.
        return web.Response(status=302, headers={"Location": environment.url}), "redirected"
    try:
        return await _forward_again(request, label, environment, deps), "proxied"
    except (BusyPreviewError, UnreachableServiceError) as error:
        missing = Absence.BUSY if isinstance(error, BusyPreviewError) else Absence.UNREACHABLE
        return notice_page(request, Notice(missing, environment), deps), missing
    except InvalidTargetError:
        return web.Response(status=400, text="the request target must be a path\n"), "refused"


async def _find(label: str, deps: PreviewDeps) -> Environment | None:
    """Return the environment of a label, or of its service's. If it is asleep, this visit wakes it."""
    environment = await deps.records.environment_at(naming.environment_label(label))
    if environment is None or label not in public.labels(environment):
        return None
    if environment.state is EnvironmentState.ASLEEP:
        await deps.records.request_wake(environment.key, deps.visits.clock.now())
    return environment


async def _forward_again(
    request: web.Request, label: str, environment: Environment, deps: PreviewDeps
) -> web.StreamResponse:
    """Forward a request, and once more if another deployment has taken over before it was answered."""
    path = raw_target(request).partition("?")[0]
    endpoint = public.reached(environment, label, path)
    try:
        return await _forward(request, environment, endpoint, deps)
    except UnreachableServiceError:
        now = None
        if request.method in _REPEATABLE and not request.body_exists:
            with suppress(RetryLater):
                now = await deps.records.environment_at(environment.host)
        later = public.reached(now, label, path) if now else None
        if now is None or later is None or later == endpoint:
            raise
        return await _forward(request, now, later, deps)


async def _forward(
    request: web.Request, environment: Environment, endpoint: Endpoint | None, deps: PreviewDeps
) -> web.StreamResponse:
    if endpoint is None:
        raise UnreachableServiceError("no endpoint")
    transfer = relay if wants_websocket(request) else forward
    front = Front(deps.addresses.preview_scheme, deps.sign_on)
    visited = deps.visits.during(environment.host) if environment.suspendable_by else nullcontext()
    with request.app[SHARES].taken(environment.host), visited:
        return await transfer(request, endpoint, request.app[SESSION], front)


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with new_session() as session:
        app[SESSION] = session
        yield
