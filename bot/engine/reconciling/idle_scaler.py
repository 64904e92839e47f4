"""Scales idle environments to zero and wakes them. The store says which, so any replica can do it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from bot.core.environments import idle
from bot.engine.records import Records
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.errors import ChatOpsError, RetryLater
from bot.model.holder import LAST, Holder
from bot.model.lease import Lease, LeaseLost
from bot.model.pipeline import RunnerName
from bot.ports import Clock, Suspendable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IdleScaler:
    """Scales environments down and up on the platforms that can suspend them."""

    records: Records
    suspendable: Mapping[RunnerName, Suspendable]
    clock: Clock
    after: timedelta
    """Time without a visitor after which an environment sleeps; zero means never."""
    lease: Callable[[], Lease]
    """Returns the present lease. Raises LeaseLost."""
    _waking: dict[EnvironmentKey, asyncio.Task[None]] = field(default_factory=dict)
    _scaling_down: set[EnvironmentKey] = field(default_factory=set)
    _scaled_down: set[EnvironmentKey] = field(default_factory=set)
    """Environments that this process has scaled down. Others may still run after a crash."""

    async def reconcile(self) -> None:
        """Scale down idle environments, and those that are stored as asleep but may still run."""
        found = await self.records.pulls.environments()
        for one in found:
            if one.state is EnvironmentState.ASLEEP and one.key not in self._scaled_down:
                await self._scale_down(one)
        if not self.after:
            return
        unfinished = await self.records.runs.unfinished()
        for one in idle.idle(found, unfinished, self.clock.now(), self.after):
            # Store first, then scale: a visitor in between sees a waiting page instead of an error.
            if await self.records.pulls.writer(self.lease()).replace(one, idle.asleep(one)):
                logger.info("%s: idle, scaling to zero", one.key)
                await self._scale_down(one)

    async def scale_up(self) -> None:
        """Start to wake the environments for which it was requested."""
        for one in await self.records.pulls.environments():
            busy = one.key in self._waking or one.key in self._scaling_down
            if one.state is EnvironmentState.WAKING and not busy:
                self._scaled_down.discard(one.key)
                self._waking[one.key] = asyncio.create_task(self._wake(one), name=f"waking {one.key}")

    async def awake(self) -> None:
        """Wait until no environment is waking any more."""
        await asyncio.gather(*self._waking.values(), return_exceptions=True)

    async def close(self) -> None:
        """Stop waking; it continues after the next start."""
        tasks = tuple(self._waking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _scale_down(self, one: Environment) -> None:
        platform = self.suspendable.get(one.suspendable_by) if one.suspendable_by else None
        if platform is None or one.key in self._waking:
            return
        self._scaling_down.add(one.key)
        try:
            await platform.scale_down(one.key, _deployed_by(one))
            self._scaled_down.add(one.key)
        finally:
            self._scaling_down.discard(one.key)

    async def _wake(self, one: Environment) -> None:
        try:
            await self._store_result(one, up=await self._scaled_up(one))
        except RetryLater as error:
            logger.warning("%s: not awake yet, another attempt follows: %s", one.key, error)
        except LeaseLost:
            logger.warning("%s: the lease is lost, another replica wakes it", one.key)
        except Exception:
            logger.exception("%s: waking failed because of a bug, another attempt follows", one.key)
        finally:
            del self._waking[one.key]

    async def _scaled_up(self, one: Environment) -> bool:
        platform = self.suspendable.get(one.suspendable_by) if one.suspendable_by else None
        try:
            if platform is not None:
                await platform.scale_up(one.key, one.endpoint)
        except RetryLater:
            raise
        except ChatOpsError as error:
            logger.warning("%s: waking failed, the environment is marked as failed: %s", one.key, error)
            return False
        return platform is not None

    async def _store_result(self, one: Environment, *, up: bool) -> None:
        ended = partial(idle.woken, started=one, at=self.clock.now(), up=up)
        await self.records.pulls.writer(self.lease()).change(one.key.repo, one.key.number, ended)


def _deployed_by(one: Environment) -> Holder:
    """Return the last holder that can have deployed an environment as it is recorded."""
    return one.adopted or Holder(one.run, LAST)
