"""Expired data is removed, and nothing that is still needed."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.reconciling.retention import RetentionPolicy
from bot.engine.metrics import Metrics
from bot.engine.reconciling import retention
from bot.engine.reconciling.retention import Retention
from bot.file_store import FileStore
from bot.model.delivery import Delivery, Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.pipeline import BuildConfig
from bot.model.plan import Build, Plan
from bot.model.run import Origin, Run, RunState
from bot.model.text import Language
from bot.reports.folder import FolderFileStore
from bot.store.database import single_process
from bot.store.files import DatabaseFileStore
from bot.store.records import Store
from tests.fakes.stored import fail, put_environment

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = RepoPath("team", "shop")
SHA = "ab" * 20
FILES = {"build.log": b"1", "report.html": b"2", "suites/unit/report.json": b"3"}


@dataclass
class Counted(Metrics):
    """Records the numbers of removed items."""

    kinds: Counter[str] = field(default_factory=Counter)

    def removed(self, kind: str, count: int) -> None:
        self.kinds[kind] += count


class At:
    """A clock that does not advance."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Kept:
    """A store and a file store with short retention times."""

    store: Store
    files: FileStore
    lease: Lease
    counted: Counted = field(default_factory=Counted)

    async def reconcile(self) -> None:
        await self.retention.reconcile()

    @property
    def retention(self) -> Retention:
        days = [timedelta(days=number) for number in (30, 90, 180, 60)]
        return Retention(self.store, self.files, At(), RetentionPolicy(*days), self.counted)

    async def run(self, days_ago: int | None, *, number: int = 12) -> int:
        """Add a run with all kinds of files that ended this long ago, or that is unfinished."""
        origin = Origin(Trigger.OPEN, "lin")
        added = await self.store.start(
            Run(0, SHOP, number, SHA, Plan((Build(SHA, BuildConfig()),)), origin, Language.ZH, NOW)
        )
        assert added is not None
        await self.store.runs.claim(self.lease, lambda queue: [entry.id for entry in queue])
        if days_ago is not None:
            over = replace(added, state=RunState.PASSED, finished_at=NOW - timedelta(days=days_ago))
            await self.store.runs.save(over, self.lease)
        await self.files.put(added.id, FILES)
        return added.id


@pytest.fixture
async def kept(store_url: str, tmp_path: Path) -> AsyncIterator[Kept]:
    store = await Store.open(store_url)
    files = FolderFileStore(tmp_path) if single_process(store_url) else DatabaseFileStore(store.database)
    yield Kept(store, files, await store.replicas.join("one"))
    await store.close()


async def test_each_kind_is_removed_after_its_retention_time(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    ages = (200, 200, 200, 100, 40, 20)
    runs = [await kept.run(age) for age in ages]

    await kept.reconcile()

    assert [run.id for run in await kept.store.runs.runs()] == runs[:2:-1]
    assert await kept.files.runs_with_files() == {
        runs[4]: ("report.html", "suites/unit/report.json"),
        runs[5]: tuple(FILES),
    }
    assert kept.counted.kinds == {"logs": 5, "reports": 8, "runs": 3}

    await kept.reconcile()
    assert kept.counted.kinds.total() == 16


async def test_unfinished_runs_keep_everything(kept: Kept) -> None:
    run = await kept.run(None)

    await kept.reconcile()

    assert await kept.files.names(run) == tuple(FILES)


async def test_the_run_of_an_existing_environment_is_kept(kept: Kept) -> None:
    deployed, _ = await kept.run(400), await kept.run(1)
    key = EnvironmentKey(SHOP, 12, "preview")
    ready = Environment(key, "pr-12-shop", SHA, EnvironmentState.READY, deployed, NOW, NOW)
    await put_environment(kept.store, ready)
    await kept.reconcile()
    assert await kept.files.names(deployed) == tuple(FILES)
    assert await kept.store.runs.run(deployed) is not None

    await put_environment(kept.store, replace(ready, state=EnvironmentState.REMOVED))
    await kept.reconcile()
    assert await kept.files.names(deployed) == ()
    assert await kept.store.runs.run(deployed) is None


async def test_files_of_unknown_runs_are_deleted(kept: Kept) -> None:
    await kept.files.put(77, FILES)

    await kept.reconcile()

    assert await kept.files.runs_with_files() == {}


async def test_deliveries_are_removed_after_their_retention_time(kept: Kept) -> None:
    for key, days in (("a", 70), ("b", 50)):
        await kept.store.arrivals.accept(Delivery(key, Trigger.COMMENT, SHOP, 12, NOW))
        await fail(kept.store, key, "bug 1a2b", NOW - timedelta(days=days))

    await kept.reconcile()

    assert kept.counted.kinds == {"deliveries": 1}
    assert await kept.store.arrivals.accept(Delivery("a", Trigger.COMMENT, SHOP, 12, NOW))
    assert not await kept.store.arrivals.accept(Delivery("b", Trigger.COMMENT, SHOP, 12, NOW))
