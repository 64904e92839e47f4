"""The output of the services in environments: read at their runner, and kept when they are removed."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.core.results.masked import Mask
from bot.model.environment import Environment
from bot.model.errors import ChatOpsError
from bot.model.health import Part
from bot.model.pipeline import RunnerName
from bot.model.run import Run
from bot.model.service_log import ServiceLog
from bot.ports import LogReader, Platform
from bot.steps.context import StepContext

logger = logging.getLogger(__name__)

LINES = 500
"""How many of the last lines are shown and kept."""
LARGEST = 256 << 10
"""Characters of them; a longer output loses its first lines."""
KEEPING_SECONDS = 20
"""How long a removal waits for the output of what it removes."""


async def keep(environment: str, platforms: Collection[Platform], context: StepContext) -> None:
    """Keep the output of everything in an environment before it is removed, as far as it can be read.

    Not that of runs of a store that was lost: other runs have their numbers now.
    """
    key, stores = context.key(environment), {holder.store for holder in context.holders}
    try:
        async with asyncio.timeout(KEEPING_SECONDS):
            for platform in platforms:
                for part in await platform.parts_of(key):
                    if part.store in stores and (text := _end(await platform.output(part, LINES))):
                        await context.adapters.reports.keep_service(part.run, part.name, text)
    except (ChatOpsError, TimeoutError) as error:
        logger.warning("%s: not all output of its services was kept: %s", key, error)


def deployed(run: Run) -> bool:
    """Return whether a run has deployed, or tried to."""
    return any(record.name == "deploy" and record.started_at for record in run.steps)


@dataclass(frozen=True, slots=True)
class ServiceLogs:
    """Reads the output of services. Raises as `Platform.parts` does, and RetryLater(STORE_UNAVAILABLE)."""

    platforms: Mapping[RunnerName, Platform]
    kept: LogReader
    mask: Mask

    async def all(self, run: Run, environment: Environment | None) -> Sequence[ServiceLog]:
        """Return the last lines of each service of a run's deployment: of those that exist, or what was kept.

        `environment` is the one that the run has deployed, None if it is removed.
        """
        if parts := await self._parts(run, environment):
            return [await self._live(run, platform, part) for platform, part in parts]
        kept = [await self._kept(run, name) for name in await self.kept.kept_services(run.id)]
        return [log for log in kept if log is not None]

    async def read(self, run: Run, name: str, environment: Environment | None) -> ServiceLog | None:
        """Return the last lines of a service's output, None if there is no such service."""
        for platform, part in await self._parts(run, environment):
            if part.name == name:
                return await self._live(run, platform, part)
        return await self._kept(run, name)

    async def _live(self, run: Run, platform: Platform, part: Part) -> ServiceLog:
        return ServiceLog(part.name, run, self.mask(_end(await platform.output(part, LINES))))

    async def _kept(self, run: Run, name: str) -> ServiceLog | None:
        text = await self.kept.kept_service(run.id, name)
        return None if text is None else ServiceLog(name, run, text, kept=True)

    async def _parts(self, run: Run, environment: Environment | None) -> Sequence[tuple[Platform, Part]]:
        platform = self.platforms.get(environment.runner) if environment and environment.runner else None
        if environment is None or platform is None:
            return ()
        return [(platform, part) for part in await platform.parts_of(environment.key) if part.run == run.id]


def _end(text: str) -> str:
    """Return whole lines from the end of an output."""
    if len(text) <= LARGEST:
        return text
    end = text[-LARGEST:]
    return end.partition("\n")[2] or end
