"""Starts a teardown for each expired environment; it reads the store each time, so restarts lose nothing."""

import logging
from dataclasses import dataclass

from bot.core.auditing import own_acts
from bot.core.environments.expiry import expired
from bot.engine.records import Records
from bot.engine.running.worker import Worker
from bot.model.delivery import Trigger
from bot.model.environment import Environment
from bot.model.plan import Plan, Teardown
from bot.model.run import Origin, Run
from bot.model.text import Language
from bot.ports import Clock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Expiry:
    """Starts a teardown for each environment that has expired."""

    records: Records
    worker: Worker
    clock: Clock
    language: Language

    async def reconcile(self) -> None:
        """Start the teardowns that are due."""
        found = await self.records.pulls.environments()
        for environment in expired(found, await self.records.runs.unfinished(), self.clock.now()):
            teardown = await self._teardown(environment)
            record = own_acts.expired(environment, teardown)
            run = await self.records.start(teardown, because=environment, record=record)
            if run is not None:
                logger.info("%s!%s: environment expired, run %s removes it", run.repo, run.number, run.id)
                self.worker.wake()

    async def _teardown(self, environment: Environment) -> Run:
        deployed = await self.records.runs.run(environment.run)
        return Run(
            id=0,
            repo=environment.key.repo,
            number=environment.key.number,
            sha=environment.sha,
            plan=Plan((Teardown(environment.key.name, config=environment.teardown),)),
            origin=Origin(Trigger.EXPIRE, ""),
            language=deployed.language if deployed else self.language,
            created_at=self.clock.now(),
            author=deployed.author if deployed else "",
        )
