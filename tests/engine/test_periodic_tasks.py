"""A replica that is not the leader any more does none of the leader's tasks to its end."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from bot.engine.replicas.membership import Membership
from bot.engine.replicas.periodic_tasks import PeriodicTask, PeriodicTasks
from tests.real.parts import PATIENCE


@dataclass
class Leader:
    """A membership that leads, or not."""

    leads: bool = True


@dataclass
class Sweep:
    """A task that waits for a runner which does not answer."""

    begun: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    answer: asyncio.Event = field(default_factory=asyncio.Event)
    acted: bool = False

    async def run(self) -> None:
        self.begun.put_nowait(None)
        await self.answer.wait()
        self.acted = True


async def test_what_the_leader_does_ends_with_its_lease() -> None:
    leader, ours, everyones = Leader(), Sweep(), Sweep()
    tasks = PeriodicTasks(
        cast("Membership", leader),
        (PeriodicTask("sweep", 1, ours.run), PeriodicTask("disk space", 1, everyones.run, everywhere=True)),
        sleep=lambda _: asyncio.sleep(0),
    )
    serving = asyncio.create_task(tasks.serve())
    async with asyncio.timeout(PATIENCE):
        await ours.begun.get()
        await everyones.begun.get()
        leader.leads = False
        await tasks.drop()
        leader.leads = True
        await ours.begun.get()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    ours.answer.set()
    assert everyones.begun.empty(), "what every replica does goes on"
    assert not ours.acted
