"""Bots that are killed repeatedly at random moments while people use them.

SEED=… repeats the same choices, KILLS=… sets the number of kills (`make crash-test`).
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import monotonic

import pytest

from tests.crash.audit import Audit, run_audit, wait_until_idle
from tests.crash.fleet import Replica
from tests.crash.scene import Scene
from tests.crash.takeovers import Takeovers
from tests.crash.traffic import Traffic
from tests.real.postgres import PostgresServer

KILLS = int(os.environ.get("KILLS", "10"))
SEED = int(os.environ.get("SEED") or random.randrange(10**6))  # noqa: S311 - no secret
LIMITS = {"runs": 4, "runs_per_repository": 3}
LIFE = 0.6
"""Longest time in seconds that a bot works before it is killed."""
IDLE = 3.0
"""Longest time in seconds to wait until it has work."""
READY_FIRST = 0.8
"""Probability that a bot completes its start before the next kill."""

Report = Callable[[str], None]


@pytest.fixture
def chance() -> random.Random:
    return random.Random(SEED)  # noqa: S311 - no secret


@pytest.fixture
def report(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Report:
    """Return a function that prints figures to the terminal."""

    def write(figures: str) -> None:
        with capsys.disabled():
            print(f"\n{request.node.name} SEED={SEED} KILLS={KILLS}: {figures}")  # noqa: T201 - for people

    return write


async def disturbed(
    scene: Scene, chance: random.Random, disturb: Callable[[], Awaitable[None]]
) -> tuple[Audit, Traffic]:
    """Disturb the bots while people use them; wait until all is idle, and run the audit."""
    async with people_at_work(scene, chance) as traffic:
        await disturb()
    await wait_until_idle(scene)
    return run_audit(scene, traffic), traffic


@asynccontextmanager
async def people_at_work(scene: Scene, chance: random.Random) -> AsyncIterator[Traffic]:
    traffic = Traffic(scene, random.Random(chance.random()))  # noqa: S311 - no secret
    working = asyncio.create_task(traffic.go_on())
    try:
        yield traffic
    finally:
        traffic.over.set()
        await working


def at_work(scene: Scene, replica: Replica) -> bool:
    return any(call.pid == replica.pid for call in scene.engine.under_way())


async def kill_at_random(scene: Scene, chance: random.Random, takeovers: Takeovers) -> None:
    for _ in range(KILLS):
        victim: Replica = chance.choice(scene.replicas)
        if chance.random() < READY_FIRST:
            await victim.ready()
            with suppress(TimeoutError):
                await scene.until(partial(at_work, scene, victim), IDLE)
        await asyncio.sleep(chance.uniform(0, LIFE))
        takeovers.record(victim)
        await victim.kill()
        victim.start()


async def killed(scene: Scene, chance: random.Random, report: Report) -> Audit:
    """Kill the bots at random while people use them, and return the audit."""
    takeovers = Takeovers(scene.engine)
    began = monotonic()
    audit, traffic = await disturbed(scene, chance, lambda: kill_at_random(scene, chance, takeovers))
    report(f"{audit}; {traffic.acts} acts; {takeovers}; {monotonic() - began:.0f} s")
    return audit


async def test_a_bot_that_is_killed_loses_nothing_and_does_nothing_twice(
    lone_scene: Scene, chance: random.Random, report: Report
) -> None:
    await lone_scene.start(limits=LIMITS)
    audit = await killed(lone_scene, chance, report)
    assert audit.problems == [], f"SEED={SEED}"
    assert audit.runs["passed"] > 0


async def test_replicas_that_are_killed_lose_nothing_and_do_nothing_twice(
    shared_scene: Scene, chance: random.Random, report: Report
) -> None:
    await shared_scene.start(3, limits=LIMITS)
    audit = await killed(shared_scene, chance, report)
    assert audit.problems == [], f"SEED={SEED}"
    assert audit.runs["passed"] > 0


async def test_a_database_that_crashes_under_load_loses_nothing(
    shared_scene: Scene, postgres: PostgresServer, chance: random.Random, report: Report
) -> None:
    scene = shared_scene
    await scene.start(3, limits=LIMITS)

    async def crash_the_database() -> None:
        for _ in range(max(2, KILLS // 50)):
            await asyncio.sleep(chance.uniform(1, 3))
            await asyncio.to_thread(postgres.crash)
            await asyncio.sleep(chance.uniform(0, 1))
            await asyncio.to_thread(postgres.start)
        await asyncio.sleep(1)

    audit, traffic = await disturbed(scene, chance, crash_the_database)
    report(f"{audit}; {traffic.acts} acts")
    assert audit.problems == [], f"SEED={SEED}"
    assert audit.runs["passed"] > 0
    assert all(replica.starts == 1 and replica.alive for replica in scene.replicas), (
        "no bot exits because of it"
    )
