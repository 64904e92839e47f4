"""The composition root: starts the parts of the bot one after the other, and stops them in reverse order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from prometheus_client import CollectorRegistry

from bot.app import engine, values
from bot.app.adapters import Adapters
from bot.app.clock import SystemClock
from bot.app.deps import Deps, Sleep
from bot.app.inbox import NotifyingInbox
from bot.app.reconciling import Reconciling, reconciling
from bot.app.serving import Listeners, bound, serving
from bot.core import sizes
from bot.discovery import find_commands
from bot.engine.comments.run_comments import RunComments
from bot.engine.deciding.dispatcher import Dispatcher
from bot.engine.deciding.identity import Identity
from bot.engine.replicas.membership import Membership
from bot.engine.running.disk_space import DiskSpace
from bot.engine.running.worker import Worker
from bot.ports import Clock
from bot.settings.model import Settings
from bot.store.records import Store
from bot.web.monitoring.engine_metrics import EngineMetrics


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot: its parts, in the order in which they start."""

    deps: Deps
    listeners: Listeners
    membership: Membership
    comments: RunComments
    worker: Worker
    dispatcher: Dispatcher
    reconciling: Reconciling

    @property
    def store(self) -> Store:
        """The store that the parts share."""
        return self.deps.store


@asynccontextmanager
async def running(
    settings: Settings, adapters: Adapters, *, clock: Clock | None = None, sleep: Sleep = asyncio.sleep
) -> AsyncIterator[Bot]:
    """Run the bot until the block ends; interrupted runs are resumed by the next bot on the same store.

    `clock` and `sleep` time the retries. Raises OSError for a port that is taken, RuntimeError if
    `[permissions]` names an unknown command, or an environment of a command that takes none, and
    RetryLater(STORE_UNAVAILABLE).
    """
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        store = await Store.open(
            settings.store_url,
            lock_url=settings.store.lock_url.get_secret_value(),
            others=(adapters.file_database,) if adapters.file_database else (),
        )
        stack.push_async_callback(store.close)
        listeners = stack.enter_context(bound(settings))
        deps = _deps(settings, adapters, store, listeners, clock=clock or SystemClock(), sleep=sleep)
        membership = await start(engine.joining(deps))
        parts = await start(working(deps, membership))
        comments, reconcilers = parts.comments, parts.reconciling
        await start(serving(deps, listeners, parts.inbox, comments.queue_positions, reconcilers.visits))
        yield Bot(deps, listeners, membership, comments, parts.worker, parts.dispatcher, reconcilers)


@dataclass(frozen=True, slots=True)
class Parts:
    """What works for a member: all but the servers."""

    comments: RunComments
    worker: Worker
    dispatcher: Dispatcher
    inbox: NotifyingInbox
    reconciling: Reconciling


@asynccontextmanager
async def working(deps: Deps, membership: Membership) -> AsyncIterator[Parts]:
    """Run all parts but the servers."""
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        comments = await start(engine.commenting(deps, membership))
        worker = await start(engine.executing(deps, membership, comments))
        owners = engine.comment_owners(deps, comments)
        dispatcher = await start(engine.deciding(deps, membership, comments, owners, worker))
        await start(engine.notified(deps, worker, dispatcher))
        inbox = NotifyingInbox(deps.store, dispatcher.wake)
        reconcilers = await start(reconciling(deps, membership, comments, worker, inbox, owners=owners))
        yield Parts(comments, worker, dispatcher, inbox, reconcilers)


def _deps(
    settings: Settings, adapters: Adapters, store: Store, listeners: Listeners, *, clock: Clock, sleep: Sleep
) -> Deps:
    commands, prometheus = find_commands(), CollectorRegistry()
    metrics = EngineMetrics(prometheus)
    return Deps(
        settings=settings,
        adapters=adapters,
        store=store,
        addresses=values.addresses(
            settings, web_port=listeners.web.port, preview_port=listeners.previews.port
        ),
        commands=commands,
        policy=values.policy(settings, commands),
        identity=Identity(adapters.forge, values.instance(settings), store.identities),
        clock=clock,
        sleep=sleep,
        prometheus=prometheus,
        metrics=metrics,
        disk=DiskSpace(
            partial(adapters.free_space, settings.server.data_dir),
            sizes.parse(settings.limits.disk_free),
            metrics,
        ),
    )
