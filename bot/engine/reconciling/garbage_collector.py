"""Removes resources without an owner from runners and registry, and records what has vanished there."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.auditing import own_acts
from bot.core.environments import expiry, health
from bot.core.reconciling import ownership
from bot.core.reconciling.orphans import (
    Owners,
    Pull,
    adoptable,
    orphans,
    unexplained,
    untagged,
    vanished,
)
from bot.engine.reconciling.adoption import Adoption
from bot.engine.reconciling.repairs import Repair, Repaired
from bot.engine.records import PullWriter, Records
from bot.model.audit import AuditActor
from bot.model.environment import Environment, EnvironmentState
from bot.model.errors import ChatOpsError
from bot.model.forge import PullState
from bot.model.inventory import Item
from bot.model.pipeline import RunnerName
from bot.model.plan import Deploy
from bot.model.reason import Reason
from bot.model.run import Run, RunState
from bot.ports import Clock, Platform, Registry

logger = logging.getLogger(__name__)

RECENT = 10
"""Newest runs of a pull request among which its last teardown is searched."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a collection removes and repairs; a dry run only shows it."""

    items: Mapping[RunnerName, tuple[Item, ...]] = field(default_factory=dict)
    tags: tuple[Pull, ...] = ()
    """Pull requests whose registry tags have no owner."""
    vanished: tuple[Environment, ...] = ()
    """Environments that the store calls deployed although nothing of them exists."""
    given_up: tuple[Pull, ...] = ()
    """Closed or merged pull requests whose teardown failed."""
    stale_expiry: Mapping[RunnerName, tuple[tuple[Item, datetime], ...]] = field(default_factory=dict)
    """Items with an outdated expiry, as after an extension, and the right one."""
    adoptable: Mapping[RunnerName, tuple[Item, ...]] = field(default_factory=dict)
    """Parts of environments that the store does not know."""
    others: Mapping[RunnerName, Mapping[str, datetime]] = field(default_factory=dict)
    """Stores of other bots with the same instance that own something, and until when."""
    trouble: tuple[str, ...] = ()
    """What could not be checked, and why."""


@dataclass(frozen=True, slots=True)
class GarbageCollector:
    """Compares runners and registry with the store."""

    records: Records
    platforms: Mapping[RunnerName, Platform]
    registry: Registry
    clock: Clock
    repaired: Repaired
    age: timedelta
    """Nothing that is younger is removed."""
    lifetime: timedelta
    """Longest lifetime of an environment that nobody extends."""
    adoption: Adoption
    writer: Callable[[], PullWriter]
    """Returns the writer of this replica, or of an operator. Raises LeaseLost."""
    actor: AuditActor = field(default_factory=AuditActor)
    """Who removes: this bot, or an operator."""
    _warned: set[str] = field(default_factory=set)
    """The other stores that the log has named."""

    async def collect(self) -> None:
        """Find orphans and remove them. Raises RetryLater while the store is unavailable."""
        found = await self.find()
        for trouble in found.trouble:
            logger.warning("sweep: %s", trouble)
        for runner, owners in found.others.items():
            self._warn(runner, owners)
        await self.clear(found)

    async def find(self) -> Found:
        """Return what has no owner. What cannot be checked is reported and stays as it is."""
        trouble: list[str] = []
        # Read the inventory before the owners, so that what is created in between is not taken for an orphan.
        inventories = await self._inventories(trouble)
        tagged = await self._tagged(trouble)
        owners = await self._owners(inventories, tagged)
        now = self.clock.now()
        environments = owners.environments
        deployed = await self._deployed_by(environments, inventories)
        found = [item for items in inventories.values() for item in items]
        each = inventories.items()
        return Found(
            {runner: orphans(items, owners, now, self.age) for runner, items in each},
            untagged(tagged, owners, now, self.age),
            vanished(found, deployed, owners, now, self.age),
            tuple(owners.given_up),
            {
                runner: expiry.stale_expiry(ownership.not_foreign(items, owners.stores, now), environments)
                for runner, items in each
            },
            {runner: adoptable(items, owners, now, self.age) for runner, items in each},
            {runner: ownership.others(items, owners.stores, now) for runner, items in each},
            tuple(trouble),
        )

    async def clear(self, found: Found) -> None:
        """Remove and repair what was found; what fails is tried again by the next sweep."""
        kept: set[Pull] = set()
        for chosen in (found.items, await self.adoption.adopt(found.adoptable)):
            for runner, items in chosen.items():
                kept |= {(item.repo, item.number) for item in await self._remove_items(runner, items)}
        for pull in found.tags:
            reused = pull not in found.given_up and await self.records.pulls.images(*pull)
            kept |= set() if not reused and await self._untag(pull) else {pull}
        for runner, dated in found.stale_expiry.items():
            await self._update_expiry(runner, dated)
        for environment in found.vanished:
            await self._mark(environment)
        for pull in found.given_up:
            if pull not in kept:
                await self._close(pull)

    def _warn(self, runner: RunnerName, owners: Mapping[str, datetime]) -> None:
        for store, until in owners.items():
            if store not in self._warned:
                self._warned.add(store)
                logger.warning(
                    "sweep: %s: another bot has the same instance (its store is %s): give each its own [%s]"
                    " instance; if it was this bot before it lost its store, its environments are adopted"
                    " from %s on",
                    *(runner, store, runner, f"{until:%H:%M} UTC"),
                )

    async def _inventories(self, trouble: list[str]) -> dict[RunnerName, tuple[Item, ...]]:
        found: dict[RunnerName, tuple[Item, ...]] = {}
        for runner, platform in self.platforms.items():
            try:
                found[runner] = await platform.inventory()
            except ChatOpsError as error:
                trouble.append(f"{runner} is skipped: {error}")
        return found

    async def _tagged(self, trouble: list[str]) -> tuple[Pull, ...]:
        found: list[Pull] = []
        for repo in sorted(await self.records.observed.repositories()):
            try:
                found += [(repo, number) for number in sorted(await self.registry.tagged(repo))]
            except ChatOpsError as error:
                # An outage concerns all other repositories too: skip them until the next sweep.
                trouble.append(f"the registry is skipped from {repo} on: {error}")
                break
        return tuple(found)

    async def _owners(
        self, inventories: Mapping[RunnerName, tuple[Item, ...]], tagged: tuple[Pull, ...]
    ) -> Owners:
        # Read before the environments: one that ends in between has stored what it has deployed.
        unfinished = await self.records.runs.unfinished()
        environments = await self.records.pulls.environments()
        images = await self.records.pulls.with_images()
        held = {(one.key.repo, one.key.number) for one in environments} | images
        named = {(item.repo, item.number) for items in inventories.values() for item in items}
        repos = {repo for repo, _ in (*held, *named, *tagged)}
        owners = Owners(
            environments,
            unfinished,
            images,
            await self.records.observed.by_pull(repos),
            stores=tuple(one.id for one in await self.records.identities.all()),
            runs=await self._runs(environments, [item for items in inventories.values() for item in items]),
            lifetime=self.lifetime,
        )
        given_up = [pull for pull in sorted(held) if await self._gave_up(pull, owners)]
        return replace(owners, given_up=tuple(given_up))

    async def _runs(self, environments: Sequence[Environment], items: Sequence[Item]) -> dict[int, Run]:
        """Return the runs of items that no record of an environment explains, as far as they are stored."""
        found = [await self.records.runs.run(number) for number in sorted(unexplained(items, environments))]
        return {run.id: run for run in found if run is not None}

    async def _gave_up(self, pull: Pull, owners: Owners) -> bool:
        """Whether the pull request is closed or merged, and its last teardown failed more than `age` ago."""
        observed = owners.observed.get(pull)
        if observed is None or observed.state in {None, PullState.OPEN}:
            return False
        recent = await self.records.runs.runs(repo=pull[0], number=pull[1], limit=RECENT)
        last = next((run for run in recent if run.plan.removes_only), None)
        if last is None or last.state is not RunState.FAILED or last.finished_at is None:
            return False
        return last.finished_at <= self.clock.now() - self.age

    async def _deployed_by(
        self, environments: tuple[Environment, ...], inventories: Mapping[RunnerName, tuple[Item, ...]]
    ) -> list[Environment]:
        """Return the environments whose runner's inventory is known."""
        return [one for one in environments if await self._runner(one) in inventories]

    async def _runner(self, environment: Environment) -> RunnerName | None:
        if environment.adopted:
            return environment.runner
        run = await self.records.runs.run(environment.run)
        steps = run.plan.steps if run else ()
        deploys = (step for step in steps if isinstance(step, Deploy))
        return next((one.config.runner for one in deploys if one.environment == environment.key.name), None)

    async def _remove_items(self, runner: RunnerName, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Remove items and return those that remain; items of pull requests with a new run are kept."""
        busy = {(run.repo, run.number) for run in await self.records.runs.unfinished()}
        free = tuple(item for item in items if (item.repo, item.number) not in busy)
        if not free:
            return items
        try:
            gone = await self.platforms[runner].remove_items(free)
        except ChatOpsError as error:
            logger.warning(
                "sweep: %s: orphans could not be removed, retry at the next sweep: %s", runner, error
            )
            return items
        for item in gone:
            self.repaired(Repair.ITEM)
            pull = f"{item.repo}!{item.number}"
            logger.warning("sweep: %s: removed orphaned %s %s", pull, item.kind, item.name)
            await self.writer().record(own_acts.item_removed(item, runner, self.actor, self.clock.now()))
        return tuple(item for item in items if item not in gone)

    async def _update_expiry(self, runner: RunnerName, dated: tuple[tuple[Item, datetime], ...]) -> None:
        try:
            for item, expires in dated:
                await self.platforms[runner].update_expiry(item, expires)
        except ChatOpsError as error:
            logger.warning("sweep: %s: expiry labels could not be updated: %s", runner, error)

    async def _untag(self, pull: Pull) -> bool:
        """Remove the tags of a pull request, unless it has a new run. Returns whether none is left."""
        repo, number = pull
        self.writer()  # A registry cannot tell that this replica has lost its lease.
        if await self.records.runs.unfinished(repo, number):
            return False
        known = (await self.records.pulls.images(repo, number)).values()
        try:
            names = {one.name for image in known for one in image.all}
            removal = await self.registry.remove_tags(repo, number, names)
        except ChatOpsError as error:
            logger.warning("sweep: %s!%s: registry tags could not be removed: %s", repo, number, error)
            return False
        if removal.removed:
            self.repaired(Repair.TAGS)
            logger.warning("sweep: %s!%s: removed %s orphaned registry tags", repo, number, removal.removed)
            record = own_acts.tags_removed(repo, number, removal.removed, self.actor, self.clock.now())
            await self.writer().record(record)
        return not removal.kept

    async def _mark(self, environment: Environment) -> None:
        """Mark a vanished environment as failed, unless it has changed since it was found."""
        key, now = environment.key, self.clock.now()
        record = own_acts.failed(environment, Reason.ENVIRONMENT_GONE, self.actor, now)
        if not await self.writer().replace(environment, health.gone(environment, now), record):
            return
        self.repaired(Repair.ENVIRONMENT)
        where = f"{key.repo}!{key.number}"
        logger.warning("sweep: %s: environment %s has vanished and is marked as failed", where, key.name)

    async def _close(self, pull: Pull) -> None:
        """Mark environments as removed after a failed teardown, unless only a job can remove them."""
        repo, number = pull
        environments = await self.records.pulls.environments(repo, number)
        if any(environment.teardown.runner is not None for environment in environments):
            return
        for environment in environments:
            removed = replace(environment, state=EnvironmentState.REMOVED, endpoint=None)
            record = own_acts.removed(environment, self.actor, self.clock.now())
            await self.writer().replace(environment, removed, record)
        await self.writer().forget_images(repo, number)
        self.repaired(Repair.TEARDOWN)
        logger.warning("sweep: %s!%s: removed what a failed teardown had left", repo, number)
