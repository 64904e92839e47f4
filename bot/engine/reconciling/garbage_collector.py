"""Removes from runners and registry what nobody owns any more, and tells the store what is gone there."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.environments import expiry
from bot.core.reconciling.orphans import Owners, Pull, orphans, untagged, vanished
from bot.engine.reconciling.repairs import Repair, Repaired
from bot.engine.records import Records
from bot.model.environment import Environment, EnvironmentState
from bot.model.errors import ChatOpsError
from bot.model.forge import PullState
from bot.model.inventory import Item
from bot.model.pipeline import RunnerName
from bot.model.plan import Deploy
from bot.model.run import RunState
from bot.ports import Clock, Platform, Registry

logger = logging.getLogger(__name__)

RECENT = 10
"""Runs of a pull request among which its last teardown is looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be done; whoever only wants to know reads it."""

    items: Mapping[RunnerName, tuple[Item, ...]] = field(default_factory=dict)
    tags: tuple[Pull, ...] = ()
    """Pull requests whose registry tags nobody owns."""
    vanished: tuple[Environment, ...] = ()
    """Environments of which the store says more than there is."""
    given_up: tuple[Pull, ...] = ()
    """Pull requests that are over, and whose teardown failed."""
    stale_expiry: Mapping[RunnerName, tuple[tuple[Item, datetime], ...]] = field(default_factory=dict)
    """What does not say until when it lives since somebody wanted it longer, and when that is."""
    trouble: tuple[str, ...] = ()
    """What could not be looked at, and why."""


@dataclass(frozen=True, slots=True)
class GarbageCollector:
    """Compares runners and registry with the store."""

    records: Records
    platforms: Mapping[RunnerName, Platform]
    registry: Registry
    clock: Clock
    repaired: Repaired
    age: timedelta
    """Nothing younger is touched."""

    async def collect(self) -> None:
        """Find orphans and remove them once. Raises RetryLater while the store is away."""
        found = await self.find()
        for trouble in found.trouble:
            logger.warning("sweep: %s", trouble)
        await self.clear(found)

    async def find(self) -> Found:
        """Return what nobody owns. What cannot be looked at is left out, and said."""
        trouble: list[str] = []
        # First what is there, then who owns it: so whatever comes to be meanwhile is not in question.
        stock = await self._stock(trouble)
        tagged = await self._tagged(trouble)
        owners = await self._owners(stock, tagged)
        now = self.clock.now()
        standing = await self._deployed_by(owners.environments, stock)
        there = [item for items in stock.values() for item in items]
        return Found(
            {runner: orphans(items, owners, now, self.age) for runner, items in stock.items()},
            untagged(tagged, owners, now, self.age),
            vanished(there, standing, owners, now, self.age),
            tuple(owners.given_up),
            {runner: expiry.stale_expiry(items, owners.environments) for runner, items in stock.items()},
            tuple(trouble),
        )

    async def clear(self, found: Found) -> None:
        """Do what is to be done, as far as that is possible now."""
        kept: set[Pull] = set()
        for runner, items in found.items.items():
            kept |= {(item.repo, item.number) for item in await self._remove_items(runner, items)}
        for pull in found.tags:
            kept |= set() if await self._untag(pull) else {pull}
        for runner, dated in found.stale_expiry.items():
            await self._update_expiry(runner, dated)
        for environment in found.vanished:
            await self._mark(environment)
        for pull in found.given_up:
            if pull not in kept:
                await self._close(pull)

    async def _stock(self, trouble: list[str]) -> dict[RunnerName, tuple[Item, ...]]:
        found: dict[RunnerName, tuple[Item, ...]] = {}
        for runner, platform in self.platforms.items():
            try:
                found[runner] = await platform.inventory()
            except ChatOpsError as error:
                trouble.append(f"{runner} is left out: {error}")
        return found

    async def _tagged(self, trouble: list[str]) -> tuple[Pull, ...]:
        found: list[Pull] = []
        for repo in sorted(await self.records.observed.repositories()):
            try:
                found += [(repo, number) for number in sorted(await self.registry.tagged(repo))]
            except ChatOpsError as error:
                # What one repository is refused another may be granted, but who is away is away for all.
                trouble.append(f"the registry is left out from {repo} on: {error}")
                break
        return tuple(found)

    async def _owners(self, stock: Mapping[RunnerName, tuple[Item, ...]], tagged: tuple[Pull, ...]) -> Owners:
        environments = await self.records.pulls.environments()
        images = await self.records.pulls.imaged()
        held = {(one.key.repo, one.key.number) for one in environments} | images
        named = {(item.repo, item.number) for items in stock.values() for item in items}
        repos = {repo for repo, _ in (*held, *named, *tagged)}
        owners = Owners(
            environments,
            await self.records.runs.unfinished(),
            images,
            await self.records.observed.among(repos),
        )
        given_up = [pull for pull in sorted(held) if await self._gave_up(pull, owners)]
        return replace(owners, given_up=tuple(given_up))

    async def _gave_up(self, pull: Pull, owners: Owners) -> bool:
        """Whether the pull request is over, and the last that became of it is a teardown that failed."""
        observed = owners.observed.get(pull)
        if observed is None or observed.state in {None, PullState.OPEN}:
            return False
        recent = await self.records.runs.runs(repo=pull[0], number=pull[1], limit=RECENT)
        last = next((run for run in recent if run.plan.removes_only), None)
        if last is None or last.state is not RunState.FAILED or last.finished_at is None:
            return False
        return last.finished_at <= self.clock.now() - self.age

    async def _deployed_by(
        self, environments: tuple[Environment, ...], stock: Mapping[RunnerName, tuple[Item, ...]]
    ) -> list[Environment]:
        """Return the environments whose runner has told what it has."""
        return [one for one in environments if await self._runner(one) in stock]

    async def _runner(self, environment: Environment) -> RunnerName | None:
        run = await self.records.runs.run(environment.run)
        steps = run.plan.steps if run else ()
        deploys = (step for step in steps if isinstance(step, Deploy))
        return next((one.config.runner for one in deploys if one.environment == environment.key.name), None)

    async def _remove_items(self, runner: RunnerName, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Remove items and return those that stay; what has found an owner meanwhile is left to it."""
        busy = {(run.repo, run.number) for run in await self.records.runs.unfinished()}
        free = tuple(item for item in items if (item.repo, item.number) not in busy)
        if not free:
            return items
        try:
            gone = await self.platforms[runner].remove_items(free)
        except ChatOpsError as error:
            logger.warning("sweep: %s: what nobody owns could not be removed: %s", runner, error)
            return items
        for item in gone:
            self.repaired(Repair.ITEM)
            pull = f"{item.repo}!{item.number}"
            logger.warning("sweep: %s: removed %s %s, which nobody owned", pull, item.kind, item.name)
        return tuple(item for item in items if item not in gone)

    async def _update_expiry(self, runner: RunnerName, dated: tuple[tuple[Item, datetime], ...]) -> None:
        try:
            for item, expires in dated:
                await self.platforms[runner].update_expiry(item, expires)
        except ChatOpsError as error:
            logger.warning("sweep: %s: until when environments live could not be written: %s", runner, error)

    async def _untag(self, pull: Pull) -> bool:
        """Remove the tags of a pull request; return whether none is left."""
        repo, number = pull
        try:
            removal = await self.registry.remove_tags(repo, number)
        except ChatOpsError as error:
            logger.warning("sweep: %s!%s: its tags could not be removed: %s", repo, number, error)
            return False
        if removal.removed:
            self.repaired(Repair.TAGS)
            logger.warning("sweep: %s!%s: removed %s tags nobody owned", repo, number, removal.removed)
        return not removal.kept

    async def _mark(self, environment: Environment) -> None:
        """Tell visitors that an environment is not there, unless something has become of it meanwhile."""
        key = environment.key
        if environment not in await self.records.pulls.environments(key.repo, key.number):
            return
        failed = replace(environment, state=EnvironmentState.FAILED, endpoint=None)
        await self.records.pulls.put_environment(failed)
        self.repaired(Repair.ENVIRONMENT)
        where = f"{key.repo}!{key.number}"
        logger.warning("sweep: %s: nothing is left of environment %s, it counts as failed", where, key.name)

    async def _close(self, pull: Pull) -> None:
        """Forget what a failed teardown had left: it is gone now, but for what only a job can remove."""
        repo, number = pull
        standing = await self.records.pulls.environments(repo, number)
        if any(environment.teardown.runner is not None for environment in standing):
            return
        for environment in standing:
            removed = replace(environment, state=EnvironmentState.REMOVED, endpoint=None)
            await self.records.pulls.put_environment(removed)
        await self.records.pulls.forget_images(repo, number)
        self.repaired(Repair.TEARDOWN)
        logger.warning("sweep: %s!%s: what its teardown had left is removed", repo, number)
