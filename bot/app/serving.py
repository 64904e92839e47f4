"""Binds the two ports of the bot, and serves its pages and the preview proxy on them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from bot.app import values
from bot.app.deps import Deps
from bot.app.inbox import NotifyingInbox
from bot.core.admission import hosts
from bot.core.admission.served import serves
from bot.core.language import catalog
from bot.gitee.signature import Mode, Uses
from bot.model.queue import QueuePosition
from bot.settings.model import Settings
from bot.web.accepting import stop_accepting
from bot.web.application import application
from bot.web.connections import ConnectionLimits, Connections
from bot.web.deps import IntakeDeps, PreviewDeps, UnfinishedBodies, WebDeps
from bot.web.monitoring.engine_metrics import StoreMetrics
from bot.web.previews.proxy import preview_application, preview_runner
from bot.web.previews.sign_on import SignOn
from bot.web.previews.visits import Visits
from bot.web.throttled_log import http_logger

BACKLOG = 128
LINGERING_SECONDS = 5.0
"""How long the rest of a body is skipped after a refusal, so that its sender reads why."""

QueuePositions = Callable[[], Awaitable[Mapping[int, QueuePosition]]]


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound port."""

    socket: socket.socket
    url: str
    """Its address as seen from this machine."""
    port: int


@dataclass(frozen=True, slots=True)
class Listeners:
    """The ports of both servers."""

    web: Listener
    """Webhook intake, pages and API."""
    previews: Listener
    """The preview proxy."""


@contextmanager
def bound(settings: Settings) -> Iterator[Listeners]:
    """Bind both ports. Raises OSError, naming the port, if that is not possible.

    They are bound before anything else starts, because the addresses in comments contain them.
    """
    host = settings.server.host
    with _bound(host, settings.server.port) as web_listener, _bound(host, settings.preview.port) as previews:
        yield Listeners(web_listener, previews)


@contextmanager
def _bound(host: str, port: int) -> Iterator[Listener]:
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    with closing(listener):
        chosen = listener.getsockname()[1]
        yield Listener(listener, f"http://{host}:{chosen}", chosen)


@asynccontextmanager
async def serving(
    deps: Deps, listeners: Listeners, inbox: NotifyingInbox, queue_positions: QueuePositions, visits: Visits
) -> AsyncIterator[None]:
    """Serve pages and previews."""
    site = application(_web(deps, inbox, queue_positions))
    pages = web.AppRunner(
        site,
        access_log=None,
        shutdown_timeout=3,
        auto_decompress=False,
        lingering_time=LINGERING_SECONDS,
        logger=http_logger(),
    )
    previews = preview_runner(preview_application(_previews(deps, visits)), http_logger())
    limits = values.connection_limits(deps.settings)
    async with _served(pages, listeners.web, limits), _served(previews, listeners.previews, limits):
        yield


@asynccontextmanager
async def _served(runner: web.AppRunner, listener: Listener, limits: ConnectionLimits) -> AsyncIterator[None]:
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - set up above
    connections = Connections(limits, runner.server)
    accepting = await asyncio.get_running_loop().create_server(
        connections.accept, sock=listener.socket, backlog=BACKLOG
    )
    try:
        yield
    finally:
        await stop_accepting(listener.socket)
        accepting.close()
        await runner.cleanup()


def _web(deps: Deps, inbox: NotifyingInbox, queue_positions: QueuePositions) -> WebDeps:
    settings, store = deps.settings, deps.store
    stored = StoreMetrics(store.stats)
    deps.prometheus.register(stored)
    return WebDeps(
        intake=_intake(settings, inbox),
        runs=store.runs,
        environments=store.pulls,
        approvals=store.pulls,
        files=deps.adapters.files,
        services=deps.adapters.service_logs,
        queue_positions=queue_positions,
        readiness=deps.readiness,
        registry=deps.prometheus,
        refresh_stats=stored.refresh,
        clock=deps.clock,
        addresses=deps.addresses,
        hosts=hosts.names(settings.server.public_url, settings.server.hosts),
        commands=tuple(catalog.command_help(command, deps.policy) for command in deps.commands),
        language=settings.comments.language,
        gitee_url=settings.gitee.url,
        retention=values.retention(settings),
        warning_time=values.warning_time(settings),
        disk_problem=lambda: deps.disk.problem,
    )


def _intake(settings: Settings, inbox: NotifyingInbox) -> IntakeDeps:
    return IntakeDeps(
        accept=inbox.accept,
        secrets=tuple(secret.get_secret_value() for secret in settings.gitee.webhook_secret),
        serves=lambda repo: serves(settings.repos.allow, repo),
        signature_mode=Mode(settings.gitee.webhook_mode),
        uses=Uses(timedelta(seconds=settings.gitee.window)),
        body_limit=settings.server.max_body,
        body_seconds=settings.server.body_timeout,
        unfinished=UnfinishedBodies(settings.server.unfinished_bodies),
    )


def _previews(deps: Deps, visits: Visits) -> PreviewDeps:
    limits = values.connection_limits(deps.settings)
    return PreviewDeps(
        records=deps.store.pulls,
        registry=deps.prometheus,
        addresses=deps.addresses,
        visits=visits,
        sign_on=SignOn(deps.settings.preview.drop_headers, deps.settings.preview.drop_cookies),
        language=deps.settings.comments.language,
        requests=min(limits.connections, limits.per_address),
    )
