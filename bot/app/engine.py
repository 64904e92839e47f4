"""Builds, starts and stops the parts of the engine that decide, run and comment.

Each builder is a context manager: what it yields has started, and stops at the end of the block.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from bot.app import values
from bot.app.deps import Deps
from bot.app.loops import background
from bot.core import duration
from bot.core.results.masking import Masker
from bot.engine.comments.comment_owners import CommentOwners
from bot.engine.comments.publisher import CommentPublisher
from bot.engine.comments.run_comments import RunComments
from bot.engine.deciding.cache import BriefCache
from bot.engine.deciding.commit_files import AGE as FILES_AGE
from bot.engine.deciding.commit_files import CommitFiles
from bot.engine.deciding.config_reader import BRANCH_AGE, DEFAULT_BRANCH_AGE, ConfigReader
from bot.engine.deciding.decider import COLLABORATORS_AGE, Decider
from bot.engine.deciding.dispatcher import Dispatcher
from bot.engine.deciding.facts import FactGatherer
from bot.engine.deciding.trust_facts import TrustReader
from bot.engine.replicas.membership import Membership
from bot.engine.replicas.notifications import Notifications
from bot.engine.running.executor import RunExecutor
from bot.engine.running.step_recorder import StepRecorder
from bot.engine.running.worker import Worker
from bot.model.queue import Queue
from bot.render.renderer import TemplateRenderer
from bot.settings.model import Settings
from bot.store.instance_lock import InstanceLock

logger = logging.getLogger(__name__)

TEMPLATES = Path(__file__).resolve().parents[2] / "comment_templates"


@asynccontextmanager
async def joining(deps: Deps) -> AsyncIterator[Membership]:
    """Join the replicas on the store, and renew the lease."""
    with closing(InstanceLock(deps.settings.server.data_dir)) as lock:
        membership = Membership(deps.store.replicas, lock, metrics=deps.metrics)
        await membership.join()
        try:
            async with background(membership.serve()):
                yield membership
        finally:
            await membership.leave()


@asynccontextmanager
async def commenting(deps: Deps, membership: Membership) -> AsyncIterator[RunComments]:
    """Publish the comments of runs."""
    publisher = CommentPublisher(
        forge=deps.adapters.forge,
        records=deps.store,
        renderer=_renderer(deps.settings, deps.adapters.secrets.masker),
        identity=deps.identity,
        lease=lambda: membership.lease,
        clock=deps.clock,
        sleep=deps.sleep,
        metrics=deps.metrics,
    )
    chosen = deps.settings.comments
    try:
        yield RunComments(
            records=deps.store,
            publisher=publisher,
            addresses=deps.addresses,
            limits=deps.limits,
            announce=frozenset({"failed", "ready"} if chosen.announce else ()),
            brief=chosen.style == "brief",
        )
    finally:
        await publisher.close()


def comment_owners(deps: Deps, comments: RunComments) -> CommentOwners:
    """Return what finds comments of lost stores and of other bots."""
    return CommentOwners(
        forge=deps.adapters.forge,
        records=deps.store,
        publisher=comments.publisher,
        identity=deps.identity,
        clock=deps.clock,
        metrics=deps.metrics,
    )


@asynccontextmanager
async def executing(deps: Deps, membership: Membership, comments: RunComments) -> AsyncIterator[Worker]:
    """Execute runs."""
    settings = deps.settings
    await deps.disk.reconcile()
    recorder = StepRecorder(
        pulls=deps.store.pulls,
        adapters=deps.adapters.steps,
        addresses=deps.addresses,
        clock=deps.clock,
        max_lifetime=duration.parse(settings.preview.ttl),
        identities=deps.store.identities,
        sleeps=bool(values.idle_time(settings)),
    )
    timeout = duration.parse(settings.limits.run_time)
    mask = deps.adapters.secrets.masker.mask_cut
    executor = RunExecutor(recorder, deps.clock, timeout, deps.sleep, deps.metrics, mask=mask)
    worker = Worker(deps.store.runs, executor, comments, deps.limits, membership)
    membership.on_lease_lost(worker.drop)
    membership.on_eviction(worker.wake)
    async with background(worker.serve()):
        yield worker


def _config_reader(deps: Deps) -> ConfigReader:
    settings = deps.settings
    return ConfigReader(
        forge=deps.adapters.forge,
        sandbox=deps.adapters.steps.sandbox,
        commands=deps.commands,
        defaults=BriefCache(deps.clock, DEFAULT_BRANCH_AGE),
        branches=BriefCache(deps.clock, BRANCH_AGE),
        approvers=BriefCache(deps.clock),
        files=CommitFiles(
            deps.adapters.forge, BriefCache(deps.clock, FILES_AGE), BriefCache(deps.clock, FILES_AGE)
        ),
        any_base=settings.repos.config_from == "base",
        most=values.container_maximum(settings),
    )


@asynccontextmanager
async def deciding(
    deps: Deps, membership: Membership, comments: RunComments, owners: CommentOwners, worker: Worker
) -> AsyncIterator[Dispatcher]:
    """Decide deliveries."""
    settings, adapters = deps.settings, deps.adapters
    config = _config_reader(deps)
    trust = TrustReader(
        forge=adapters.forge,
        records=deps.store,
        commands=deps.commands,
        policy=deps.policy,
        config=config,
        others=BriefCache(deps.clock),
        trust_namespaces=settings.repos.trust_forks == "namespace",
    )
    gatherer = FactGatherer(
        forge=adapters.forge,
        records=deps.store,
        trust=trust,
        config=config,
        logs=adapters.files,
        services=adapters.service_logs,
        commands=deps.commands,
        policy=deps.policy,
        settings=values.command_settings(settings, deps.addresses),
        clock=deps.clock,
        language=settings.comments.language,
    )
    decider = Decider(
        adapters.forge,
        gatherer,
        deps.commands,
        deps.policy,
        deps.identity,
        deps.clock,
        adapters.steps.sandbox,
        BriefCache(deps.clock),
        owners,
        BriefCache(deps.clock, COLLABORATORS_AGE),
        adapters.secrets.masker.mask_cut,
        adapters.steps.secrets,
        values.answer_policy(settings),
    )
    dispatcher = Dispatcher(
        deps.store,
        decider,
        comments.publisher,
        worker,
        membership,
        deps.clock,
        settings.comments.language,
        deps.metrics,
    )
    membership.on_lease_lost(dispatcher.drop)
    membership.on_eviction(dispatcher.wake)
    async with background(dispatcher.serve()):
        yield dispatcher


@asynccontextmanager
async def notified(deps: Deps, worker: Worker, dispatcher: Dispatcher) -> AsyncIterator[None]:
    """Wake the loops when another replica commits something for them."""
    if deps.store.notifications is None:
        yield
        return
    loops = {Queue.RUNS: worker.loop, Queue.DELIVERIES: dispatcher.loop}
    async with background(Notifications(deps.store.notifications, loops).serve()):
        yield


def _renderer(settings: Settings, masker: Masker) -> TemplateRenderer:
    chosen = settings.comments
    return TemplateRenderer(
        TEMPLATES, chosen.templates, _report_override, default=chosen.language, masker=masker
    )


def _report_override(template: str, error: Exception) -> None:
    logger.warning("the template %s failed, its built-in namesake is used: %s", template, error)
