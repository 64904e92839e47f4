"""Two bots in one cluster with one instance, each with a store of its own: they leave each other alone."""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.app.adapters import Adapters
from bot.app.reconciling import garbage_collector
from bot.core import naming
from bot.core.reconciling.ownership import LASTS
from bot.engine.reconciling.garbage_collector import GarbageCollector
from bot.engine.reconciling.ownership import Ownership
from bot.model.environment import EnvironmentState
from bot.model.errors import Overtaken
from bot.model.forge import PullRequest, RepoPath
from bot.model.pipeline import RunnerName
from bot.reports.files import RunFiles
from bot.runners.kubernetes.cluster import MERGE, Cluster
from bot.settings.model import KubernetesSettings, ReposSettings, Settings
from bot.store.records import Store
from tests.cluster.access import Access
from tests.cluster.previews import Previews
from tests.cluster.test_environments import exists
from tests.fakes.adapters import FakeWorld
from tests.fakes.log import FakeLog
from tests.fakes.snapshots import pull_request


@dataclass
class Ahead:
    """A clock that tests set forward."""

    by: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@dataclass
class OpenPulls:
    """A Gitee on which every pull request is open."""

    asked: list[int] = field(default_factory=list)

    async def pull_request(self, repo: RepoPath, number: int) -> PullRequest:
        self.asked.append(number)
        return replace(pull_request(), repo=repo, number=number)


@dataclass
class SomeBot:
    """What one bot does at the runner by itself."""

    store: Store
    clock: Ahead
    ownership: Ownership
    garbage: GarbageCollector

    async def identity(self) -> str:
        return (await self.store.identities.current()).id


async def some_bot(folder: Path, previews: Previews, name: str) -> SomeBot:
    store, clock = await Store.open(f"sqlite:///{folder}/{name}.db"), Ahead()
    platforms = {RunnerName.KUBERNETES: previews.platform}
    steps = replace(FakeWorld().adapters(), platforms=platforms)
    adapters = Adapters(cast("Any", OpenPulls()), steps, cast("RunFiles", None))
    settings = Settings(
        repos=ReposSettings((f"{previews.key.repo.owner}/*",)), kubernetes=KubernetesSettings(enabled=True)
    )
    garbage = garbage_collector(settings, adapters, store, clock, repaired=lambda _kind: None)
    return SomeBot(store, clock, Ownership(store, platforms, clock), garbage)


@pytest.fixture
async def bots(tmp_path: Path, previews: Previews) -> AsyncIterator[tuple[SomeBot, SomeBot]]:
    """Provide two bots with stores of their own."""
    both = await some_bot(tmp_path, previews, "a"), await some_bot(tmp_path, previews, "b")
    yield both
    for one in both:
        await one.store.close()


async def test_bots_with_one_instance_leave_each_other_alone_until_one_is_gone(  # noqa: PLR0917 - fixtures
    bots: tuple[SomeBot, SomeBot],
    previews: Previews,
    cluster: Access,
    log: FakeLog,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = bots
    labels = naming.labels(previews.key, sha="a" * 40, run=57, store=await first.identity())
    endpoint = await previews.platform.deploy(previews.environment(labels=labels), log)
    calls: Counter[str] = Counter()
    call = Cluster.call

    async def counted(self: Cluster, method: str, path: str, *rest: Any, **more: Any) -> dict[str, Any]:
        calls[method] += 1
        return await call(self, method, path, *rest, **more)

    monkeypatch.setattr(Cluster, "call", counted)
    # As if the namespace was old: nothing young is touched anyway.
    for one in bots:
        one.clock.by = LASTS + timedelta(minutes=1)
    await first.ownership.reconcile()
    assert calls == {"GET": 1, "PATCH": 1}
    await first.ownership.reconcile()
    assert calls == {"GET": 2, "PATCH": 1}, "what has been said lasts for a while"

    with caplog.at_level(logging.WARNING):
        await second.ownership.reconcile()
        await second.garbage.collect()
        await second.garbage.collect()
    assert exists(cluster, previews.namespace)
    assert caplog.text.count(f"its store is {await first.identity()}") == 1
    assert "[kubernetes] instance" in caplog.text
    assert await second.store.pulls.environments() == ()
    theirs = naming.labels(previews.key, sha="b" * 40, run=99, store=await second.identity())
    with pytest.raises(Overtaken):
        await previews.platform.deploy(previews.environment(labels=theirs), log)

    second.clock.by += LASTS
    await second.garbage.collect()
    (adopted,) = await second.store.pulls.environments()
    assert (adopted.endpoint, adopted.sha, adopted.state) == (endpoint, "a" * 40, EnvironmentState.READY)
    assert adopted.host == previews.host.partition(".")[0]
    assert exists(cluster, previews.namespace)
    # Namespaces of earlier versions do not name their Service; that of the tests is always `app`.
    for entry, known in ((None, endpoint), ("elsewhere:80", None)):
        body = {"metadata": {"annotations": {"chatops.entry": entry}}}
        path = f"/api/v1/namespaces/{previews.namespace}"
        await previews.cluster.call("PATCH", path, body=body, content=MERGE)
        assert await previews.platform.endpoint(previews.key) == known
    await second.ownership.reconcile()
    first.clock.by = second.clock.by
    await first.garbage.collect()
    await second.garbage.collect()
    assert exists(cluster, previews.namespace)
    assert adopted.adopted is not None
    await previews.platform.remove(previews.key, adopted.adopted)
    assert not exists(cluster, previews.namespace)
