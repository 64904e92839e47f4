"""Puts idle environments to sleep and wakes them; what is to be done stands in the store, for any replica."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bot.core.environments import idle
from bot.engine.records import Records
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.errors import ChatOpsError, RetryLater
from bot.model.pipeline import RunnerName
from bot.ports import Clock, Sleeper

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IdleScaler:
    """Looks after everything that can sleep."""

    records: Records
    sleepers: Mapping[RunnerName, Sleeper]
    clock: Clock
    after: timedelta
    """Time without a visitor until an environment sleeps; none for never."""
    _waking: dict[EnvironmentKey, asyncio.Task[None]] = field(default_factory=dict)
    _lulling: set[EnvironmentKey] = field(default_factory=set)
    _lulled: set[EnvironmentKey] = field(default_factory=set)
    """What this process knows to sleep; of the rest a crash may have come between word and deed."""

    async def reconcile(self) -> None:
        """Put to sleep what is idle, and what is said to sleep but may not."""
        found = await self.records.pulls.environments()
        for one in found:
            if one.state is EnvironmentState.ASLEEP and one.key not in self._lulled:
                await self._lull(one)
        if not self.after:
            return
        unfinished = await self.records.runs.unfinished()
        for one in idle.idle(found, unfinished, self.clock.now(), self.after):
            # The word comes before the deed: a visitor meanwhile is told to wait, not that nobody answers.
            if await self.records.put_to_sleep(one):
                logger.info("%s: put to sleep", one.key)
                await self._lull(one)

    async def rouse(self) -> None:
        """Begin to wake what somebody wants."""
        for one in await self.records.pulls.environments():
            idle = one.key not in self._waking and one.key not in self._lulling
            if one.state is EnvironmentState.WAKING and idle:
                self._lulled.discard(one.key)
                self._waking[one.key] = asyncio.create_task(self._wake(one), name=f"waking {one.key}")

    async def awake(self) -> None:
        """Wait until nothing is waking any more."""
        await asyncio.gather(*self._waking.values(), return_exceptions=True)

    async def close(self) -> None:
        """Stop waking; it is taken up again after the next start."""
        tasks = tuple(self._waking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _lull(self, one: Environment) -> None:
        sleeper = self.sleepers.get(one.sleeper) if one.sleeper else None
        if sleeper is None or one.key in self._waking:
            return
        self._lulling.add(one.key)
        try:
            await sleeper.sleep(one.key)
            self._lulled.add(one.key)
        finally:
            self._lulling.discard(one.key)

    async def _wake(self, one: Environment) -> None:
        try:
            await self._settle(one, up=await self._woken(one))
        except RetryLater as error:
            logger.warning("%s: not awake yet: %s", one.key, error)
        except Exception:
            logger.exception("%s: waking met a bug", one.key)
        finally:
            del self._waking[one.key]

    async def _woken(self, one: Environment) -> bool:
        sleeper = self.sleepers.get(one.sleeper) if one.sleeper else None
        try:
            if sleeper is not None:
                await sleeper.wake(one.key, one.endpoint)
        except RetryLater:
            raise
        except ChatOpsError as error:
            logger.warning("%s: could not be woken: %s", one.key, error)
            return False
        return sleeper is not None

    async def _settle(self, one: Environment, *, up: bool) -> None:
        ended = partial(idle.woken, begun=one, at=self.clock.now(), up=up)
        await self.records.pulls.change(one.key.repo, one.key.number, ended)
