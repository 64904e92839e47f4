"""Bots that a nemesis disturbs while people use them: nothing is lost, and nothing is done twice.

SEED=… repeats the same choices, FAULTS=… sets the number of faults on each database (`make crash-test`).
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import NoReturn

import pytest

from bot.model.run import RunState
from playground.server import OfflineGitee
from tests.crash.engine import RemoteEngine
from tests.crash.evidence import figures, quiet
from tests.crash.faults import LONE, MANY, SHARED, Fault, Kind, missing, plan
from tests.crash.gitee_link import GiteeLink
from tests.crash.nemesis import Nemesis
from tests.crash.scene import Scene
from tests.crash.servers import ServerPair
from tests.crash.traffic import Traffic
from tests.crash.wire import Wire
from tests.faults.conftest import SmallDisk, small_disk

__all__ = ["small_disk"]

FAULTS = int(os.environ.get("FAULTS", "28"))
SEED = int(os.environ.get("SEED") or random.randrange(10**6))  # noqa: S311 - no secret
LIMITS = {"runs": 4, "runs_per_repository": 3}
SWEEP = {"every": "20s", "age": "30s"}

THREADS = 32
"""More than all calls that wait at the same time: two of each lane, and those of people and of Gitee."""
PAUSE = 0.5
"""Mean time in seconds between two actions of people, for one bot."""

Report = Callable[[str], None]


@pytest.fixture
def report(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Report:
    """Return a function that prints figures to the terminal."""

    def write(words: str) -> None:
        with capsys.disabled():
            print(f"\n{request.node.name} SEED={SEED} FAULTS={FAULTS}: {words}")  # noqa: T201 - for people

    return write


@pytest.fixture
def servers() -> Iterator[ServerPair]:
    pair = ServerPair()
    pair.add_standby()
    yield pair
    pair.remove()


@dataclass
class Trial:
    """Bots with their connections to Gitee and to the store, and the nemesis."""

    scene: Scene
    nemesis: Nemesis
    links: Sequence[GiteeLink]

    async def carry_out(self, faults: Sequence[Fault], report: Report, folder: Path) -> None:
        """Disturb the bots while people use them; when all is quiet, nothing may be wrong."""
        began = monotonic()
        try:
            async with people_at_work(self.scene, self.nemesis) as traffic:
                await self.nemesis.carry_out(faults)
        except Exception as error:  # noqa: BLE001 - the seed is needed to repeat it
            self._fail([f"{error!r}"], folder)
        wrong = await quiet(self.scene, traffic, all_acted=lambda: all(link.all_acted for link in self.links))
        wrong += self.nemesis.problems
        happened = Counter(str(one.kind) for one in self.scene.history.faults())
        if len(faults) >= MANY:
            wrong += missing(faults, happened, self.nemesis.frozen_inside)
        inside = f"{self.nemesis.frozen_inside} of the frozen inside a transaction"
        spent = f"{traffic.acts} acts; {monotonic() - began:.0f} s"
        report(f"{figures(self.scene, wrong)}; {happened.total()} faults {dict(happened)}; {inside}; {spent}")
        if wrong:
            self._fail(wrong, folder)
        assert RunState.PASSED in {run.state for run in self.scene.ledger.runs()}

    def _fail(self, wrong: Sequence[str], folder: Path) -> NoReturn:
        self.scene.history.write(folder / "history.jsonl")
        pytest.fail("\n".join([*wrong, f"SEED={SEED} FAULTS={FAULTS}, see {folder}/history.jsonl"]))


@asynccontextmanager
async def people_at_work(scene: Scene, nemesis: Nemesis) -> AsyncIterator[Traffic]:
    """Let people act within the block; if that fails, no further faults begin."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            nemesis.failed.append(f"people cannot act any more: {error!r}")

    chance = random.Random(f"people {SEED}")  # noqa: S311 - no secret
    traffic = Traffic(scene, chance, pause=PAUSE / len(scene.replicas))
    working = asyncio.create_task(traffic.go_on())
    working.add_done_callback(ended)
    try:
        yield traffic
    finally:
        traffic.over.set()
        await asyncio.wait({working})
    working.result()


@asynccontextmanager
async def trial(
    scene: Scene, replicas: int = 1, servers: ServerPair | None = None, disk: SmallDisk | None = None
) -> AsyncIterator[Trial]:
    """Start bots that reach Gitee, and PostgreSQL, only through proxies of their own."""
    # Calls that wait for a frozen server must never keep the one waiting that lets it continue.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    async with AsyncExitStack() as stack:
        links, wires = [], []
        for index in range(replicas):
            link = GiteeLink(scene.gitee.url, index, lambda: "", scene.history)
            links.append(await stack.enter_async_context(link))
            store = {"url": scene.store_url}
            if servers is not None:
                wires.append(await stack.enter_async_context(Wire(scene.store_url)))
                store = {"url": wires[-1].bot_url}
            await scene.start(
                store=store, limits=LIMITS, sweep=SWEEP, gitee=scene.gitee_settings(f"{link.url}/api/v5")
            )
            link.lease = partial(getattr, scene.replicas[-1], "lease")
        chance = random.Random(f"nemesis {SEED}")  # noqa: S311 - no secret
        yield Trial(scene, Nemesis(scene, links, chance, wires, servers, disk), links)
        for replica in scene.replicas:
            await replica.dispose()


async def test_replicas_on_postgresql(
    tmp_path: Path, gitee: OfflineGitee, engine: RemoteEngine, servers: ServerPair, report: Report
) -> None:
    faults = plan(SEED, FAULTS, SHARED, 3)
    async with (
        Scene(tmp_path / "bots", gitee, engine, servers.url) as scene,
        trial(scene, 3, servers) as trying,
    ):
        await trying.carry_out(faults, report, tmp_path)


async def test_a_bot_on_sqlite(
    tmp_path: Path, gitee: OfflineGitee, engine: RemoteEngine, small_disk: SmallDisk, report: Report
) -> None:
    faults = plan(SEED, FAULTS, LONE, 1)
    store_url = f"sqlite:///{small_disk.folder}/store/chatops.db"
    async with (
        Scene(tmp_path / "bots", gitee, engine, store_url) as scene,
        trial(scene, disk=small_disk) as trying,
    ):
        await trying.carry_out(faults, report, tmp_path)


def test_a_seed_determines_the_faults() -> None:
    assert plan(7, 100, SHARED, 3) == plan(7, 100, SHARED, 3)
    assert plan(7, 100, SHARED, 3) != plan(8, 100, SHARED, 3)


@pytest.mark.parametrize("deck", [SHARED, LONE])
def test_a_make_test_has_faults_of_every_kind(deck: Sequence[Kind]) -> None:
    assert {fault.kind for fault in plan(SEED, 28, deck, 3)} == set(deck)
