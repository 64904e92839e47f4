"""Watches environments after they were ready, and lets their comments say what has become of them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.core.environments import health
from bot.core.environments.health import Watch
from bot.core.results.cause import outage_with_cause
from bot.core.results.masked import Mask
from bot.engine.comments.run_comments import RunComments
from bot.engine.records import Records
from bot.model.environment import Environment, EnvironmentKey
from bot.model.errors import ChatOpsError
from bot.model.health import Part
from bot.model.pipeline import RunnerName
from bot.ports import Clock, Platform

logger = logging.getLogger(__name__)

LOG_CHARACTERS = 4_000
"""How much of the end of a part's output is kept."""

Parts = Mapping[EnvironmentKey, Sequence[Part]]


@dataclass(frozen=True, slots=True)
class HealthWatcher:
    """Watches environments on the platforms that host them."""

    records: Records
    platforms: Mapping[RunnerName, Platform]
    comments: RunComments
    clock: Clock
    mask: Mask = str
    """Masks secrets in a text."""
    _watches: dict[EnvironmentKey, Watch] = field(default_factory=dict)
    """What this process has seen. The store has what follows from it."""

    async def reconcile(self) -> None:
        """Look at every environment once, and store what has changed."""
        # Read before the platforms are asked, so that what is deployed in between is not taken for gone.
        unfinished = await self.records.runs.unfinished()
        found = health.watched(await self.records.pulls.environments(), unfinished)
        for key in self._watches.keys() - {one.key for one in found}:
            del self._watches[key]
        for runner, platform in self.platforms.items():
            here = [one for one in found if one.runner is runner]
            if here:
                await self._look(platform, here)

    async def _look(self, platform: Platform, environments: Sequence[Environment]) -> None:
        try:
            parts = await platform.parts()
        except ChatOpsError as error:
            logger.warning("the health of previews is unknown: %s", error)
            return
        for one in environments:
            now = self.clock.now()
            watch = health.observe(self._watches.get(one.key), one, parts.get(one.key, ()), now)
            self._watches[one.key] = watch
            changed = health.judged(one, watch, now)
            if changed is not one:
                await self._record(one, await self._with_log(platform, changed, watch))

    async def _record(self, before: Environment, changed: Environment) -> None:
        writer = self.records.pulls.writer(self.comments.publisher.lease())
        if not await writer.replace(before, changed):
            return  # It is being changed by a run; the next look tells.
        key, why = before.key, changed.outage.reason if changed.outage else "recovered"
        logger.warning("%s!%s: %s is %s: %s", key.repo, key.number, key.name, changed.state, why)
        self.comments.update(before.run)

    async def _with_log(self, platform: Platform, changed: Environment, watch: Watch) -> Environment:
        part = health.part_at_fault(changed, watch)
        if part is None or changed.outage is None:
            return changed
        try:
            log = self.mask(await platform.output(part))
        except ChatOpsError as error:
            logger.warning("%s: its output cannot be read: %s", changed.key, error)
            return changed
        outage = outage_with_cause(replace(changed.outage, log=log[-LOG_CHARACTERS:]))
        return replace(changed, outage=outage)
