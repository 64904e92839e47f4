"""Claims that outlive deployments, in a scripted cluster."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core import naming
from bot.core.naming import LABEL_DATA
from bot.model.errors import TellUser
from bot.model.holder import Holder
from bot.model.reason import Reason
from bot.ports import ServiceSpec
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.kept_claims import KeptClaims
from bot.runners.kubernetes.pure.manifests import CLAIM
from bot.runners.lines import LogWriter
from tests.fakes.log import FakeLog
from tests.runners.kubernetes_samples import KEY, environment_of
from tests.runners.kubernetes_script import NAMESPACE, Object, Script, scripted, without_pauses

DB = ServiceSpec("db", "postgres:16", volumes=("/data",))
NAME = naming.data("db", "/data")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator["World"]:
    async with scripted(tmp_path) as (script, cluster):
        yield World(script, cluster)


class World:
    """A namespace whose claims get a class, as a cluster with a default one gives them."""

    def __init__(self, script: Script, cluster: Cluster) -> None:
        self.script, self.log, self.cleared = script, FakeLog(), 0
        self.claims = KeptClaims(cluster, NAMESPACE)
        self.storage_class = "standard"
        script.created = self.admitted

    def admitted(self, claim: Object) -> None:
        claim["spec"]["storageClassName"] = self.storage_class

    async def clear(self) -> None:
        self.cleared += 1

    async def prepared(self, run: int, attempt: int = 0, **changes: Any) -> bool:
        spec = environment_of(**{"services": (DB,), "keeps_data": True, **changes})
        labels = naming.labels(KEY, sha="a" * 40, run=run, attempt=attempt)
        return await self.claims.prepared(spec, "1Gi", labels, self.clear, LogWriter(self.log))

    @property
    def made(self) -> dict[str, str]:
        """The runs that have made the claims, by their names."""
        return {
            str(one["metadata"]["name"]): one["metadata"]["labels"]["chatops.run"]
            for one in self.script.objects.values()
        }


async def test_the_claim_of_an_earlier_run_is_used(world: World) -> None:
    assert await world.prepared(1)
    assert not await world.prepared(2)
    assert world.made == {NAME: "1"}
    assert world.cleared == 0
    assert world.log.text.splitlines() == ["db begins without data: /data", "db keeps its data: /data"]


@pytest.mark.attack
@pytest.mark.parametrize("changes", [{"trusted": False}, {"renews_data": True}])
async def test_other_data_goes_after_the_pods_that_use_it(world: World, changes: dict[str, bool]) -> None:
    await world.prepared(1)
    assert await world.prepared(2, **changes)
    assert (world.made, world.cleared) == ({NAME: "2"}, 1)


async def test_what_is_not_kept_any_more_goes(world: World) -> None:
    await world.prepared(1)
    assert await world.prepared(2, keeps_data=False)
    assert (world.made, world.cleared) == ({}, 1)


async def test_only_what_a_run_has_made_itself_goes_with_it(world: World) -> None:
    await world.prepared(1)
    assert await world.claims.of_earlier_runs(Holder(2))
    assert not await world.claims.of_earlier_runs(Holder(1))

    await world.claims.remove_own(Holder(2))
    assert world.made == {NAME: "1"}
    await world.claims.remove_own(Holder(1))
    assert world.made == {}


@pytest.mark.attack
async def test_an_outdated_attempt_removes_nothing_of_a_later_one(world: World) -> None:
    await world.prepared(1, attempt=2)
    await world.claims.remove_own(Holder(1, 1))
    assert world.made == {NAME: "1"}


async def test_claims_of_a_chart_or_of_manifests_stay(world: World) -> None:
    world.script.put(CLAIM, "theirs", {}, labels=naming.labels(KEY, sha="a" * 40, run=1))
    assert await world.prepared(2)
    assert not await world.claims.of_earlier_runs(Holder(2))
    assert world.made == {"theirs": "1", NAME: "2"}


async def test_new_data_waits_until_the_old_one_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.prepared(1)

    def lingers(path: str) -> Object:
        def ends() -> None:
            del world.script.objects[path]

        world.script.begin({1: ends})
        return {}

    monkeypatch.setattr(world.script, "_delete", lingers)
    await world.prepared(2, renews_data=True)
    assert world.made == {NAME: "2"}


async def test_a_cluster_without_a_default_class_is_named(world: World) -> None:
    world.storage_class = ""
    with pytest.raises(TellUser) as caught:
        await world.prepared(1)
    assert caught.value.reason is Reason.NO_STORAGE_CLASS


async def test_claims_say_whose_commits_have_written_them(world: World) -> None:
    await world.prepared(1, trusted=False)
    found = world.script.objects[CLAIM.path(NAMESPACE, NAME)]
    assert found["metadata"]["labels"][LABEL_DATA] == "untrusted"
