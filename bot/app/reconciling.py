"""Builds the sweep: for the running bot, and for `chatops gc`."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.app.adapters import Adapters
from bot.core import duration
from bot.core.admission.served import literal, serves
from bot.core.language.command import AnyCommand
from bot.engine.deciding.identity import Identity
from bot.engine.reconciling.garbage_collector import GarbageCollector
from bot.engine.reconciling.reconciler import Reconciler
from bot.engine.reconciling.repairs import Repaired
from bot.engine.reconciling.sweep import Sweep
from bot.engine.replicas.periodic_tasks import PeriodicTask
from bot.model.delivery import Delivery
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.ports import Clock
from bot.settings.model import Settings
from bot.store.deliveries import InboxFullError
from bot.store.records import Store

SHORTEST = timedelta(seconds=1)


def sweep(
    settings: Settings,
    adapters: Adapters,
    store: Store,
    clock: Clock,
    commands: tuple[AnyCommand, ...],
    *,
    wake: Callable[[], None],
    repaired: Repaired,
) -> Sweep:
    """Return the sweep of a running bot; `wake` tells it of new deliveries."""
    reconciler = Reconciler(
        forge=adapters.forge,
        records=store,
        identity=Identity(adapters.forge),
        commands=commands,
        clock=clock,
        serves=lambda repo: serves(settings.repos.allow, repo),
        named=literal(settings.repos.allow),
        take_in=_taking_in(store, clock, wake),
        repaired=repaired,
        age=_age(settings),
    )
    return Sweep(reconciler, garbage_collector(settings, adapters, store, clock, repaired=repaired))


def periodic_tasks(settings: Settings, made: Sweep) -> tuple[PeriodicTask, ...]:
    """Return the sweep as a periodic task, if the operator wants it."""
    every = duration.parse(settings.sweep.every, minimum=SHORTEST).total_seconds()
    return (PeriodicTask("sweep", every, made.run),) if settings.sweep.enabled else ()


def garbage_collector(
    settings: Settings, adapters: Adapters, store: Store, clock: Clock, *, repaired: Repaired
) -> GarbageCollector:
    """Return the garbage collector of runners and registry."""
    return GarbageCollector(
        store, adapters.steps.platforms, adapters.steps.registry, clock, repaired, _age(settings)
    )


def _age(settings: Settings) -> timedelta:
    return duration.parse(settings.sweep.age, minimum=SHORTEST)


def _taking_in(store: Store, clock: Clock, wake: Callable[[], None]) -> Callable[[Delivery], Awaitable[bool]]:
    async def take_in(delivery: Delivery) -> bool:
        try:
            taken = await store.inbox.accept(delivery)
        except InboxFullError as error:
            raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": "the inbox is full"}) from error
        taken = taken or await store.inbox.revive(delivery.key, clock.now())
        if taken:
            wake()
        return taken

    return take_in
