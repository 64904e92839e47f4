"""Builds, starts and stops what reconciles periodically; `chatops gc` uses its garbage collector."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.app import values
from bot.app.adapters import Adapters
from bot.app.deps import Deps
from bot.app.inbox import NotifyingInbox
from bot.app.loops import background
from bot.core import duration, sizes
from bot.core.admission.served import literal, serves
from bot.core.reconciling import ownership
from bot.engine.comments.comment_owners import CommentOwners
from bot.engine.comments.expiry_warnings import ExpiryWarnings
from bot.engine.comments.late_effects import LateEffects
from bot.engine.comments.run_comments import RunComments
from bot.engine.reconciling.adoption import Adoption
from bot.engine.reconciling.approvals import ApprovalReconciler
from bot.engine.reconciling.disk_writers import DiskWriters
from bot.engine.reconciling.dns_records import DnsReconciler
from bot.engine.reconciling.expiry import Expiry
from bot.engine.reconciling.garbage_collector import GarbageCollector
from bot.engine.reconciling.given_up import GivenUpDeliveries
from bot.engine.reconciling.health_watcher import HealthWatcher
from bot.engine.reconciling.idle_scaler import IdleScaler
from bot.engine.reconciling.ownership import Ownership
from bot.engine.reconciling.reconciler import Reconciler
from bot.engine.reconciling.repairs import Repaired
from bot.engine.reconciling.retention import Retention
from bot.engine.reconciling.sweep import Sweep
from bot.engine.replicas.membership import Membership
from bot.engine.replicas.periodic_tasks import PeriodicTask, PeriodicTasks
from bot.engine.running.worker import Worker
from bot.model.audit import AuditActor
from bot.model.lease import Lease
from bot.ports import Clock
from bot.settings.model import Settings
from bot.store.pull_writer import PullWriter
from bot.store.records import Store
from bot.web.monitoring.metrics import SweepMetrics
from bot.web.previews.visits import Visits

OWN = AuditActor()
"""This bot, in audit records."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    """Everything that reconciles, whether or not the settings have it done periodically."""

    sweep: Sweep
    given_up: GivenUpDeliveries
    late_effects: LateEffects
    expiry: Expiry
    warnings: ExpiryWarnings
    ownership: Ownership
    idle_scaler: IdleScaler
    visits: Visits
    tasks: tuple[PeriodicTask, ...]
    """What is done periodically."""


@asynccontextmanager
async def reconciling(
    deps: Deps,
    membership: Membership,
    comments: RunComments,
    worker: Worker,
    inbox: NotifyingInbox,
    *,
    owners: CommentOwners,
) -> AsyncIterator[Reconciling]:
    """Reconcile periodically."""
    settings, store, clock = deps.settings, deps.store, deps.clock
    language, warned = settings.comments.language, values.warning_time(settings)
    sweep = _sweep(deps, membership, owners, inbox)
    given_up = GivenUpDeliveries(
        deps.adapters.forge, store, clock, partial(serves, settings.repos.allow), inbox.wake
    )
    late_effects = LateEffects(deps.adapters.forge, store, comments, deps.identity, clock, language)
    expiry = Expiry(store, worker, clock, language)
    warnings = ExpiryWarnings(store, comments.publisher, deps.addresses, clock, language, warned)
    idle_scaler = IdleScaler(
        store, deps.adapters.steps.suspendable, clock, values.idle_time(settings), lambda: membership.lease
    )
    visits = Visits(store.pulls, clock)
    owner = Ownership(store, deps.adapters.steps.platforms, clock)
    tasks = (
        PeriodicTask("disk space", 2, deps.disk.reconcile, everywhere=True),
        PeriodicTask("secrets", 60, deps.adapters.secrets.learn, everywhere=True),
        *_upkeep(deps),
        PeriodicTask("given up", 60, given_up.reconcile),
        PeriodicTask("late effects", 30, late_effects.reconcile),
        PeriodicTask("expiry", 30, expiry.reconcile),
        *_watching(deps, comments),
        *([PeriodicTask("expiry warnings", 30, warnings.reconcile)] if settings.comments.announce else ()),
        PeriodicTask("outdated comments", 10, comments.catch_up),
        PeriodicTask("ownership", ownership.RENEWED.total_seconds(), owner.reconcile, everywhere=True),
        *([PeriodicTask("sweep", _every(settings), sweep.run)] if settings.sweep.enabled else ()),
        *(_scaling(idle_scaler, visits) if deps.adapters.steps.suspendable else ()),
    )
    periodic = PeriodicTasks(membership, tasks)
    membership.on_lease_lost(periodic.drop)
    membership.on_lease_lost(idle_scaler.close)
    try:
        async with background(periodic.serve()):
            yield Reconciling(
                sweep, given_up, late_effects, expiry, warnings, owner, idle_scaler, visits, tasks
            )
    finally:
        await idle_scaler.close()


def garbage_collector(
    settings: Settings,
    adapters: Adapters,
    store: Store,
    clock: Clock,
    *,
    repaired: Repaired,
    lease: Callable[[], Lease | None] = lambda: None,
    actor: AuditActor = OWN,
) -> GarbageCollector:
    """Return the garbage collector of runners and registry; `repaired` counts what it removes.

    An operator has no lease, but a name.
    """
    steps, lifetime = adapters.steps, duration.parse(settings.preview.ttl)

    def writer() -> PullWriter:
        return store.pulls.writer(lease())

    return GarbageCollector(
        store,
        steps.platforms,
        steps.registry,
        clock,
        repaired,
        _age(settings),
        lifetime,
        Adoption(
            forge=adapters.forge,
            records=store,
            platforms=steps.platforms,
            clock=clock,
            serves=partial(serves, settings.repos.allow),
            repaired=repaired,
            writer=writer,
            lifetime=lifetime,
            suspendable=frozenset(steps.suspendable if values.idle_time(settings) else ()),
            actor=actor,
        ),
        writer,
        actor,
    )


def _sweep(deps: Deps, membership: Membership, owners: CommentOwners, inbox: NotifyingInbox) -> Sweep:
    allowed = deps.settings.repos.allow
    repaired = SweepMetrics.in_registry(deps.prometheus).repaired
    reconciler = Reconciler(
        forge=deps.adapters.forge,
        records=deps.store,
        identity=deps.identity,
        owners=owners,
        commands=deps.commands,
        clock=deps.clock,
        sandbox=deps.adapters.steps.sandbox,
        serves=lambda repo: serves(allowed, repo),
        named=literal(allowed),
        accept=inbox.recover,
        repaired=repaired,
        age=_age(deps.settings),
    )
    approvals = ApprovalReconciler(deps.adapters.forge, deps.store, deps.clock, inbox.recover, repaired)
    garbage = garbage_collector(
        deps.settings,
        deps.adapters,
        deps.store,
        deps.clock,
        repaired=repaired,
        lease=lambda: membership.lease,
    )
    return Sweep(reconciler, approvals, garbage)


def _upkeep(deps: Deps) -> Iterator[PeriodicTask]:
    """Yield the tasks that clean up the store, run files and git cache, and update DNS records."""
    adapters, store = deps.adapters, deps.store
    policy = values.retention(deps.settings)
    retention = Retention(store, adapters.files.store, deps.clock, policy, deps.metrics)
    yield PeriodicTask("retention", 3600, retention.reconcile)
    yield PeriodicTask("git cache", 6 * 3600, adapters.steps.source.gc, everywhere=True)
    if adapters.dns:
        yield PeriodicTask("dns records", 5, DnsReconciler(store.pulls, adapters.dns).reconcile)


def _watching(deps: Deps, comments: RunComments) -> Iterator[PeriodicTask]:
    """Yield the tasks that watch deployed environments, and that stop containers that fill the disk."""
    steps, settings = deps.adapters.steps, deps.settings
    mask = deps.adapters.secrets.masker.mask_cut
    watcher = HealthWatcher(deps.store, steps.platforms, comments, deps.clock, mask)
    yield PeriodicTask("preview health", 30, watcher.reconcile)
    if steps.disks:
        writers = DiskWriters(
            records=deps.store,
            publisher=comments.publisher,
            platforms=steps.platforms,
            disks=steps.disks,
            space=deps.disk,
            clock=deps.clock,
            language=settings.comments.language,
            most=sizes.parse(settings.docker.disk_max),
        )
        yield PeriodicTask("disk writers", 10, writers.reconcile)


def _scaling(idle_scaler: IdleScaler, visits: Visits) -> tuple[PeriodicTask, ...]:
    return (
        PeriodicTask("visits", 30, visits.flush, everywhere=True),
        PeriodicTask("scale to zero", 30, idle_scaler.reconcile),
        PeriodicTask("wake", 1, idle_scaler.scale_up),
    )


def _every(settings: Settings) -> float:
    return duration.parse(settings.sweep.every, minimum=values.SHORTEST).total_seconds()


def _age(settings: Settings) -> timedelta:
    return duration.parse(settings.sweep.age, minimum=values.SHORTEST)
