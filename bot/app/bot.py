"""The composition root: everything is built, started and stopped here, in one order and its reverse."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.app import reconciling
from bot.app.adapters import Adapters, secrets
from bot.app.clock import SystemClock
from bot.core import duration
from bot.core.admission.served import serves
from bot.core.language import catalogue
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.core.reconciling.retention import RetentionPolicy
from bot.core.runs.scheduling import Limits
from bot.discovery import find_commands
from bot.engine.comments.expiry_warnings import ExpiryWarnings
from bot.engine.comments.publisher import CommentPublisher
from bot.engine.comments.run_comments import RunComments
from bot.engine.deciding.decider import Decider
from bot.engine.deciding.dispatcher import Dispatcher
from bot.engine.deciding.facts import FactGatherer
from bot.engine.deciding.identity import Identity
from bot.engine.metrics import Metrics
from bot.engine.reconciling.dns_records import DnsReconciler
from bot.engine.reconciling.expiry import Expiry
from bot.engine.reconciling.idle_scaler import IdleScaler
from bot.engine.reconciling.retention import Retention
from bot.engine.reconciling.sweep import Sweep
from bot.engine.replicas.membership import Membership
from bot.engine.replicas.periodic_tasks import PeriodicTask, PeriodicTasks
from bot.engine.running.executor import RunExecutor
from bot.engine.running.step_recorder import StepRecorder
from bot.engine.running.worker import Worker
from bot.gitee.signature import Mode
from bot.model.addresses import WELL_KNOWN, Addresses
from bot.model.delivery import Delivery
from bot.model.pipeline import RunnerName
from bot.model.snapshot import CommandSettings
from bot.ports import Clock
from bot.render.renderer import TemplateRenderer
from bot.settings.model import Settings
from bot.store.instance_lock import InstanceLock
from bot.store.records import Store
from bot.web.application import application
from bot.web.deps import IntakeDeps, PreviewDeps, WebDeps
from bot.web.monitoring.engine_metrics import EngineMetrics, StoreMetrics
from bot.web.monitoring.metrics import SweepMetrics
from bot.web.previews.proxy import preview_application, preview_runner
from bot.web.previews.visits import Visits

logger = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]

TEMPLATES = Path(__file__).resolve().parents[2] / "comment_templates"


@dataclass(frozen=True, slots=True)
class Local:
    """Both servers as seen from this machine."""

    web: str
    """Intake, pages and API."""
    previews: str
    """The previews' proxy."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot."""

    store: Store
    adapters: Adapters
    membership: Membership
    dispatcher: Dispatcher
    worker: Worker
    expiry: Expiry
    warnings: ExpiryWarnings
    idle_scaler: IdleScaler
    visits: Visits
    sweep: Sweep
    periodic_tasks: PeriodicTasks
    comments: RunComments
    addresses: Addresses
    local: Local
    commands: tuple[AnyCommand, ...]
    policy: Mapping[str, PermissionLevel]
    registry: CollectorRegistry
    """What is measured."""

    async def readiness(self) -> Mapping[str, str | None]:
        """Ask every part, the store first: None for one that answers, else what is wrong with it."""
        return {"store": await self.store.database.ping(), **await self.adapters.readiness()}


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound port."""

    socket: socket.socket
    port: int

    @classmethod
    def bind(cls, host: str, port: int) -> "Listener":
        """Bind a port; raise OSError, naming it, when that cannot be done."""
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        return cls(listener, listener.getsockname()[1])


@dataclass(frozen=True, slots=True)
class NotifyingInbox:
    """The store's inbox, which also wakes the dispatcher."""

    store: Store
    dispatcher: Dispatcher

    async def accept(self, delivery: Delivery) -> bool:
        """Store a delivery; see `bot.store.deliveries.Inbox.accept`."""
        new = await self.store.inbox.accept(delivery)
        self.dispatcher.wake()
        return new


def addresses(settings: Settings, *, web_port: int, preview_port: int) -> Addresses:
    """Return how people reach this bot."""
    preview = settings.preview
    behind_tls = WELL_KNOWN["https"] if preview.scheme == "https" else preview_port
    return Addresses(
        settings.server.public_url or f"http://{settings.server.host}:{web_port}",
        preview.domain,
        preview.scheme,
        preview.public_port or behind_tls,
    )


@asynccontextmanager
async def running(
    settings: Settings, adapters: Adapters, *, clock: Clock | None = None, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[Bot]:
    """Run the bot until the block ends; what is under way then is left to be taken up again.

    `clock` and `sleep` are the time by which it tries again what failed.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.store_url)
        stack.push_async_callback(store.close)
        ports = _sockets(stack, settings)
        where = addresses(settings, web_port=ports[0].port, preview_port=ports[1].port)
        local = Local(*(f"http://{settings.server.host}:{listener.port}" for listener in ports))
        lock = InstanceLock(settings.server.data_dir)
        stack.callback(lock.close)
        bot = _assemble(settings, adapters, store, lock, clock, sleep, where, local, CollectorRegistry())
        await bot.membership.join()
        stack.push_async_callback(bot.membership.leave)
        stack.push_async_callback(bot.comments.publisher.close)
        stack.push_async_callback(bot.idle_scaler.close)
        for loop in (bot.membership, bot.worker, bot.dispatcher, bot.periodic_tasks):
            await stack.enter_async_context(_background(loop.serve()))
        await _listen(stack, ports, settings, bot, clock)
        yield bot


def _assemble(  # noqa: PLR0917 - called once, in the order in which these come to be
    settings: Settings,
    adapters: Adapters,
    store: Store,
    lock: InstanceLock,
    clock: Clock,
    sleep: Sleep,
    where: Addresses,
    local: Local,
    registry: CollectorRegistry,
) -> Bot:
    known = find_commands()
    language = settings.comments.language
    policy = _policy(settings, known)
    identity = Identity(adapters.forge)
    metrics: Metrics = EngineMetrics(registry)

    async def drop() -> None:
        await asyncio.gather(worker.drop(), dispatcher.drop())

    membership = Membership(store, drop, lock, metrics=metrics)
    words, leased = _renderer(settings), lambda: membership.lease
    publisher = CommentPublisher(adapters.forge, store, words, identity, leased, sleep=sleep, metrics=metrics)
    comments = _comments(settings, store, publisher, where)
    longest, ahead = duration.parse(settings.preview.ttl), warning_time(settings)
    idle = spare_time(settings.kubernetes.sleep_after)
    recorder = StepRecorder(store, adapters.steps, where, clock, longest, sleeps=bool(idle))
    executor = RunExecutor(recorder, clock, duration.parse(settings.limits.run_time), sleep, metrics)
    worker = Worker(store, executor, comments, comments.limits, membership)
    brief = settings.comments.style == "brief"
    chosen = CommandSettings(where, longest, ahead, brief=brief)
    gatherer = FactGatherer(adapters.forge, store, adapters.files, known, policy, chosen, clock, language)
    decider = Decider(adapters.forge, gatherer, known, policy, identity, clock)
    dispatcher = Dispatcher(store, decider, publisher, worker, membership, clock, language)
    expiry = Expiry(store, worker, clock, language)
    warnings = ExpiryWarnings(store, publisher, where, clock, language, ahead)
    idle_scaler = IdleScaler(store, adapters.steps.suspendable, clock, idle)
    visits = Visits(store.pulls, clock)
    retention = Retention(store, adapters.files.store, clock, _keep(settings), metrics)
    repaired = SweepMetrics.in_registry(registry).repaired
    sweep = reconciling.sweep(
        settings, adapters, store, clock, known, wake=dispatcher.wake, repaired=repaired
    )
    dns = DnsReconciler(store, adapters.dns) if adapters.dns else None
    tasks = (
        PeriodicTask("retention", 3600, retention.reconcile),
        PeriodicTask("git cache", 6 * 3600, adapters.steps.source.gc, everywhere=True),
        PeriodicTask("expiry", 30, expiry.reconcile),
        *([PeriodicTask("expiry warnings", 30, warnings.reconcile)] if settings.comments.announce else ()),
        PeriodicTask("comments behind", 10, comments.catch_up),
        *reconciling.periodic_tasks(settings, sweep),
        *([PeriodicTask("dns records", 5, dns.reconcile)] if dns else ()),
        *(_resting(idle_scaler, visits) if adapters.steps.suspendable else ()),
    )
    return Bot(
        store=store,
        adapters=adapters,
        membership=membership,
        dispatcher=dispatcher,
        worker=worker,
        expiry=expiry,
        warnings=warnings,
        idle_scaler=idle_scaler,
        visits=visits,
        sweep=sweep,
        periodic_tasks=PeriodicTasks(membership, tasks),
        comments=comments,
        addresses=where,
        local=local,
        commands=known,
        policy=policy,
        registry=registry,
    )


def warning_time(settings: Settings) -> timedelta:
    """Return how long before the end of an environment people are told; nothing ends within no time."""
    return spare_time(settings.preview.warn)


def spare_time(told: str) -> timedelta:
    """Return a duration of the settings; `0` is none."""
    return timedelta() if told == "0" else duration.parse(told, minimum=timedelta(seconds=1))


def _resting(idle_scaler: IdleScaler, visits: Visits) -> tuple[PeriodicTask, ...]:
    return (
        PeriodicTask("visits", 30, visits.flush, everywhere=True),
        PeriodicTask("sleep", 30, idle_scaler.reconcile),
        PeriodicTask("waking", 1, idle_scaler.scale_up),
    )


def _renderer(settings: Settings) -> TemplateRenderer:
    chosen = settings.comments
    return TemplateRenderer(
        TEMPLATES, chosen.templates, _override_broken, default=chosen.language, masks=secrets(settings)
    )


def _comments(settings: Settings, store: Store, publisher: CommentPublisher, where: Addresses) -> RunComments:
    announce = frozenset({"failed", "ready"} if settings.comments.announce else ())
    return RunComments(
        store, publisher, where, _limits(settings), announce, brief=settings.comments.style == "brief"
    )


def _limits(settings: Settings) -> Limits:
    chosen = settings.limits
    each = {
        RunnerName.DOCKER: chosen.docker,
        RunnerName.KUBERNETES: chosen.kubernetes,
        RunnerName.JENKINS: chosen.jenkins,
    }
    return Limits(
        chosen.runs, chosen.runs_per_repository, {runner: most for runner, most in each.items() if most}
    )


def _keep(settings: Settings) -> RetentionPolicy:
    chosen = settings.retention
    spans = (chosen.logs, chosen.reports, chosen.runs, chosen.deliveries)
    return RetentionPolicy(*(duration.parse(span, maximum=duration.LONGEST_KEPT) for span in spans))


def _policy(settings: Settings, known: tuple[AnyCommand, ...]) -> dict[str, PermissionLevel]:
    policy = {name: PermissionLevel(need) for name, need in settings.permissions.items()}
    if unknown := catalogue.unknown_levels(policy, known):
        names = ", ".join(command.name for command in known)
        raise RuntimeError(f"[permissions] names no command: {', '.join(unknown)}; there are {names}")
    return policy


def _override_broken(template: str, error: Exception) -> None:
    logger.warning("the override %s failed, the built-in words were used: %s", template, error)


def _sockets(stack: AsyncExitStack, settings: Settings) -> tuple["Listener", "Listener"]:
    """Bind both ports first: every address that the bot will tell contains one of them."""
    host = settings.server.host
    web_listener = Listener.bind(host, settings.server.port)
    stack.callback(web_listener.socket.close)
    preview_listener = Listener.bind(host, settings.preview.port)
    stack.callback(preview_listener.socket.close)
    return web_listener, preview_listener


async def _listen(
    stack: AsyncExitStack,
    listeners: tuple["Listener", "Listener"],
    settings: Settings,
    bot: Bot,
    clock: Clock,
) -> None:
    site = web.AppRunner(application(_web(settings, bot, clock)), access_log=None, shutdown_timeout=3)
    previews = preview_runner(preview_application(_previews(settings, bot)))
    for runner, listener in zip((site, previews), listeners, strict=True):
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener.socket).start()


def _web(settings: Settings, bot: Bot, clock: Clock) -> WebDeps:
    held = StoreMetrics(bot.store.stats)
    bot.registry.register(held)
    return WebDeps(
        intake=_intake(settings, bot),
        runs=bot.store.runs,
        environments=bot.store.pulls,
        files=bot.adapters.files,
        queue_positions=bot.comments.queue_positions,
        readiness=bot.readiness,
        registry=bot.registry,
        refresh_stats=held.refresh,
        clock=clock,
        addresses=bot.addresses,
        commands=tuple(catalogue.command_help(command, bot.policy) for command in bot.commands),
        language=settings.comments.language,
        gitee_url=settings.gitee.url,
        retention=_keep(settings),
        expiry_warning=warning_time(settings),
    )


def _intake(settings: Settings, bot: Bot) -> IntakeDeps:
    return IntakeDeps(
        accept=NotifyingInbox(bot.store, bot.dispatcher).accept,
        secrets=tuple(secret.get_secret_value() for secret in settings.gitee.webhook_secret),
        serves=lambda repo: serves(settings.repos.allow, repo),
        signature_mode=Mode(settings.gitee.webhook_mode),
        freshness=timedelta(seconds=settings.gitee.window),
        body_limit=settings.server.max_body,
    )


def _previews(settings: Settings, bot: Bot) -> PreviewDeps:
    return PreviewDeps(
        records=bot.store.pulls,
        registry=bot.registry,
        addresses=bot.addresses,
        visits=bot.visits,
        language=settings.comments.language,
    )


@asynccontextmanager
async def _background(loop: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run a loop until the block ends; terminate if it crashes.

    A bot that accepts webhooks but never processes them must not look healthy.
    """
    task = asyncio.create_task(loop)
    task.add_done_callback(_died)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _died(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a loop of the bot ended, so the bot ends", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
