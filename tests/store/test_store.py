"""Decisions, runs, environments and replicas, on both databases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bot.model.approval import Approval, Revocation
from bot.model.delivery import Trigger
from bot.model.environment import Endpoint, Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.holder import Holder
from bot.model.lease import Lease, LeaseLost
from bot.model.pipeline import BuildConfig, DeployConfig, RunnerName, ServiceConfig, TestConfig
from bot.model.plan import Build, Deploy, Plan, Suite, Teardown, Test
from bot.model.queue import QueueEntry
from bot.model.reason import Reason
from bot.model.run import (
    Image,
    Origin,
    Run,
    RunState,
    StepRecord,
    StepResult,
    StepState,
    StopRequest,
    TestCounts,
)
from bot.model.text import Language
from bot.store import pull_rows
from bot.store.records import Store
from tests.fakes.stored import put_environment
from tests.store.rows import evict, join, stored_comment
from tests.store.stopping import request_stop
from tests.store.values import NOW, SHA, SHOP, decision, delivery


def run() -> Run:
    """Return a run that uses every kind of step and result."""
    services = {"db": ServiceConfig(image="postgres:16", env={"A": "b"}, command=("x",), port=5432)}
    steps = (
        Build(SHA, BuildConfig(args={"A": "1"})),
        Deploy(SHA, DeployConfig(command=("serve",)), services, ttl=60),
        Test(SHA, TestConfig(), BuildConfig(), (Suite("unit", "pytest", ("a::b",)),)),
        Teardown(everything=True),
    )
    result = StepResult(
        StepState.FAILED,
        Reason.TESTS_FAILED,
        {"failed": "1"},
        image=Image("r/x:pr-12-abababab", "sha256:1", 5, SHA),
        endpoint=Endpoint("10.0.0.2", 80),
        tests=TestCounts(1, 1),
        failed_tests=("a::b",),
    )
    return Run(
        id=0,
        repo=SHOP,
        number=12,
        sha=SHA,
        plan=Plan(steps),
        origin=Origin(Trigger.COMMENT, "lin", "/test 慢"),
        language=Language.ZH,
        created_at=NOW,
        steps=(StepRecord("build", StepState.FAILED, NOW, NOW + timedelta(seconds=3), result),),
    )


APPROVAL = Approval(SHA, "main", "lin", NOW, 70, "https://gitee.example.com/team/shop/pulls/12#note_70", "d")


async def decided(store: Store, lease: Lease, key: str, **what: Any) -> Run:
    """Return the run that a delivery of this key led to."""
    await store.arrivals.accept(replace(delivery(key), number=len(key)))
    await store.inbox.claim(lease, NOW, 99)
    started = await store.commit(decision(key, **{"start": run(), **what}), lease)
    assert started is not None
    return started


async def claimed(store: Store, lease: Lease) -> tuple[Run, ...]:
    """Claim everything in the queue."""
    return await store.runs.claim(lease, lambda queue: [entry.id for entry in queue])


async def test_a_decision_is_committed_as_a_whole(store: Store, lease: Lease) -> None:
    older = await decided(store, lease, "zero")
    request = StopRequest(Reason.SUPERSEDED, {"by": "cdcdcdcd"})
    what: Any = {"stop": (older.id,), "stop_request": request, "approve": APPROVAL}
    started = await decided(store, lease, "one", **what)
    assert started == replace(run(), id=started.id, uid=started.uid)
    assert await store.inbox.due(NOW) == ()
    assert await store.runs.run(older.id) == replace(older, stop=request)
    assert await store.pulls.approvals(SHOP, 12) == (APPROVAL,)


async def test_a_decision_without_the_lease_changes_nothing(store: Store, lease: Lease) -> None:
    await store.arrivals.accept(delivery("one"))
    await store.inbox.claim(Lease("another"), NOW, 9)
    with pytest.raises(LeaseLost):
        await store.commit(decision("one", start=run(), approve=APPROVAL), lease)
    assert await store.runs.runs() == ()
    assert await store.pulls.approvals(SHOP, 12) == ()
    assert [found.key for found, _ in await store.inbox.due(NOW)] == ["one"]


async def test_an_approval_is_deleted_by_its_comment(store: Store, lease: Lease) -> None:
    other = replace(APPROVAL, base="release", comment=71, at=NOW + timedelta(seconds=1))
    await decided(store, lease, "one", approve=other)
    await decided(store, lease, "three", approve=APPROVAL)
    assert await store.pulls.approvals(SHOP, 12) == (APPROVAL, other)
    assert await store.pulls.approvals(SHOP, 13) == ()
    again = replace(APPROVAL, comment=72)
    gone = (Revocation(APPROVAL, Reason.APPROVAL_REVOKED, "lin"),)
    await decided(store, lease, "three2", approve=again, revoke=gone)
    await decided(store, lease, "seven77", revoke=gone)
    assert await store.pulls.approvals(SHOP, 12) == (again, other)


async def test_saving_a_run_keeps_columns_that_others_have_set(store: Store, lease: Lease) -> None:
    started = await decided(store, lease, "one")
    await claimed(store, lease)
    request = StopRequest(Reason.CANCELLED, {"who": "mei"})
    assert await request_stop(store, [started.id], request) == (started.id,)
    assert await request_stop(store, [started.id], StopRequest(Reason.CLOSED)) == ()
    saved = await store.runs.save(replace(started, state=RunState.RUNNING), lease)
    assert (saved.stop, saved.state) == (request, RunState.RUNNING)
    assert await store.runs.run(started.id) == saved


async def test_runs_are_found_by_pull_request_newest_first(store: Store, lease: Lease) -> None:
    first = await decided(store, lease, "1")
    other = await decided(store, lease, "22", start=replace(run(), number=13))
    last = await decided(store, lease, "333")
    assert await store.runs.runs(repo=SHOP, number=12) == (last, first)
    assert await store.runs.runs(before=last.id, limit=1) == (other,)
    await claimed(store, lease)
    await store.runs.save(replace(first, state=RunState.PASSED), lease)
    assert await store.runs.unfinished(SHOP, 12) == (last,)
    assert await store.runs.unfinished() == (other, last)


async def test_a_held_run_is_neither_claimed_nor_saved_by_others(store: Store, lease: Lease) -> None:
    started = await decided(store, lease, "one")
    two = await join(store, "two")
    assert [found.id for found in await claimed(store, lease)] == [started.id]
    assert await claimed(store, two) == ()
    with pytest.raises(LeaseLost):
        await store.runs.save(started, two)
    await store.runs.release(started.id, two)
    assert await claimed(store, two) == ()
    await store.runs.release(started.id, lease)
    assert [found.id for found in await claimed(store, two)] == [started.id]
    with pytest.raises(LeaseLost):
        await store.runs.save(started, lease)


async def test_the_queue_contains_what_scheduling_needs(store: Store, lease: Lease) -> None:
    started = await decided(store, lease, "one")
    removing = await decided(store, lease, "two", start=replace(run(), plan=Plan((Teardown(),)), steps=()))
    docker = frozenset({RunnerName.DOCKER})
    assert await store.runs.queue() == (
        QueueEntry(started.id, SHOP, 12, docker),
        QueueEntry(removing.id, SHOP, 12, frozenset(), removes_only=True),
    )
    await store.runs.claim(lease, lambda _: [started.id])
    await store.runs.save(replace(started, state=RunState.RUNNING, started_at=NOW), lease)
    await request_stop(store, [started.id], StopRequest(Reason.CANCELLED))
    assert (await store.runs.queue())[0] == QueueEntry(
        started.id, SHOP, 12, docker, holder="one", started=True, stopping=True
    )


async def test_a_run_is_shown_when_its_comment_shows_the_last_revision(store: Store, lease: Lease) -> None:
    started = await decided(store, lease, "one")
    assert await store.runs.unshown() == (started.id,)
    found = await store.runs.at_revision(started.id)
    assert found is not None
    await store.runs.shown(started.id, found[1], lease)
    assert await store.runs.unshown() == ()
    await request_stop(store, [started.id], StopRequest(Reason.CANCELLED))
    assert await store.runs.unshown() == (started.id,)
    await store.runs.shown(started.id, found[1], lease)
    assert await store.runs.unshown() == (started.id,), "what was shown is older"
    await store.runs.shown(started.id, found[1] + 1, lease)
    await store.runs.touch([started.id], lease)
    assert await store.runs.unshown() == (started.id,)


async def test_an_automatic_run_does_not_start_beside_an_unfinished_one(store: Store) -> None:
    first = await store.start(run())
    assert first is not None
    assert await store.start(run()) is None
    assert await store.start(replace(run(), number=13)) is not None


def ready() -> Environment:
    """Return an environment that expires in an hour."""
    key = EnvironmentKey(SHOP, 12, "preview")
    return Environment(key, "pr-12-shop", SHA, EnvironmentState.READY, 1, NOW, NOW + timedelta(hours=1))


async def test_a_decision_only_extends_the_life_of_an_environment(store: Store, lease: Lease) -> None:
    await put_environment(store, ready())
    for days, kept in ((2, 2), (1, 2)):
        await store.arrivals.accept(delivery(f"{days}"))
        [(found, _)] = await store.inbox.claim(lease, NOW, 1)
        later = {ready().key: NOW + timedelta(days=days)}
        await store.commit(decision(found.key, extend=later), lease)
        [environment] = await store.pulls.environments()
        assert environment.expires_at == NOW + timedelta(days=kept)
        assert environment.extended_at == NOW


@pytest.mark.parametrize("state", [EnvironmentState.REMOVED, None])
async def test_a_removed_environment_is_not_extended(
    store: Store, lease: Lease, state: EnvironmentState | None
) -> None:
    if state is not None:
        await put_environment(store, replace(ready(), state=state))
    await store.arrivals.accept(delivery("one"))
    await store.inbox.claim(lease, NOW, 1)
    await store.commit(decision("one", extend={ready().key: NOW + timedelta(days=2)}), lease)
    assert await store.pulls.environments() == ()


async def test_a_run_is_not_started_for_an_environment_that_has_changed(store: Store) -> None:
    await put_environment(store, replace(ready(), expires_at=NOW + timedelta(days=2)))
    assert await store.start(run(), because=ready()) is None
    await put_environment(store, ready())
    assert await store.start(run(), because=ready()) is not None


async def test_concurrent_changes_of_environments_are_all_kept(store: Store) -> None:
    await put_environment(store, ready())
    other = replace(ready(), key=EnvironmentKey(SHOP, 13, "preview"), host="pr-13-shop")
    await put_environment(store, other)
    writer = store.pulls.writer(None)
    await writer.change(SHOP, 12, lambda known: replace(known, warned=known.expires_at))
    await writer.change(SHOP, 12, lambda known: replace(known, state=EnvironmentState.FAILED))
    changed, unchanged = sorted(await store.pulls.environments(), key=lambda one: one.key)
    assert (changed.state, changed.warned) == (EnvironmentState.FAILED, ready().expires_at)
    assert unchanged == other


async def test_an_environment_is_found_by_its_host_label_even_when_removed(store: Store) -> None:
    key = EnvironmentKey(SHOP, 12, "preview")
    ready = Environment(key, "pr-12-shop", SHA, EnvironmentState.READY, 1, NOW, NOW, Endpoint("10.0.0.2", 80))
    assert await store.pulls.writer(None).reserve_hostname(ready, ("pr-12-shop", "pr-12-shop-abc")) == ready
    assert await store.pulls.environments() == (ready,)
    removed = replace(ready, state=EnvironmentState.REMOVED, endpoint=None)
    await put_environment(store, removed)
    assert await store.pulls.environments(SHOP, 12) == ()
    assert await store.pulls.environment_at("pr-12-shop") == removed
    twin = replace(ready, key=EnvironmentKey(RepoPath("guild", "shop"), 12, "preview"))
    reserved = await store.pulls.writer(None).reserve_hostname(twin, ("pr-12-shop", "pr-12-shop-abc"))
    assert reserved.host == "pr-12-shop-abc"
    again = await store.pulls.writer(None).reserve_hostname(ready, ("pr-12-shop", "pr-12-shop-abc"))
    assert again.host == "pr-12-shop"


async def test_an_adopted_environment_takes_no_address_and_nothing_newer(store: Store) -> None:
    writer, labels = store.pulls.writer(None), ("pr-12-shop", "pr-12-shop-abc")
    found = replace(ready(), run=0, adopted=Holder(57, 0, "lost4567"))
    twin = replace(found, key=EnvironmentKey(RepoPath("other", "shop"), 12, "preview"))
    assert await writer.adopt(found, labels)
    assert await writer.adopt(twin, labels)
    hosts = {one.key: one.host for one in await store.pulls.environments()}
    assert hosts == {found.key: "pr-12-shop", twin.key: "pr-12-shop-abc"}

    later = replace(found, deployed_at=found.deployed_at + timedelta(hours=1), sha="b" * 40)
    assert await writer.adopt(later, labels[::-1])
    assert not await writer.adopt(found, labels)
    (known,) = await store.pulls.environments(SHOP, 12)
    assert (known.host, known.sha) == ("pr-12-shop", "b" * 40)

    await store.start(run())
    assert not await writer.adopt(replace(later, sha="c" * 40), labels)
    assert await store.pulls.environments(SHOP, 12) == (known,)


@pytest.mark.parametrize("newer", [ready(), replace(ready(), key=EnvironmentKey(SHOP, 13, "preview"))])
async def test_what_is_stored_while_an_environment_is_adopted_stays(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, newer: Environment
) -> None:
    """As when the replica that adopts it freezes in between."""
    store = await Store.open(postgres_url)
    loop, free_host = asyncio.get_running_loop(), pull_rows.free_host

    def frozen(connection: Connection, key: EnvironmentKey, labels: Sequence[str]) -> str:
        host = free_host(connection, key, labels)
        monkeypatch.setattr(pull_rows, "free_host", free_host)
        asyncio.run_coroutine_threadsafe(put_environment(store, newer), loop).result()
        return host

    monkeypatch.setattr(pull_rows, "free_host", frozen)
    found = replace(ready(), run=0, adopted=Holder(57, 0, "lost4567"))
    assert not await store.pulls.writer(None).adopt(found, (newer.host,))
    assert await store.pulls.environments() == (newer,)
    await store.close()


async def test_images_and_comments_are_stored_by_pull_request(store: Store, lease: Lease) -> None:
    image = Image("r/x:pr-12-abababab", "sha256:1", 5, SHA)
    await store.pulls.writer(None).put_image(SHOP, 12, image)
    await store.pulls.writer(None).put_image(SHOP, 12, replace(image, size=6))
    assert await store.pulls.images(SHOP, 12) == {SHA: replace(image, size=6)}
    await store.pulls.writer(None).forget_images(SHOP, 12)
    assert await store.pulls.images(SHOP, 12) == {}
    assert await store.pulls.claim_comment(SHOP, 12, "<!-- m -->", lease, NOW) == (None, "", None)
    assert await store.pulls.claim_comment(SHOP, 12, "<!-- m -->", Lease("two"), NOW) is None
    assert await store.pulls.claim_comment(SHOP, 12, "<!-- m -->", lease, NOW) == (0, "", None)
    await store.pulls.put_comment(SHOP, 12, "<!-- m -->", lease, comment_id=9, body_digest="digest")
    assert await stored_comment(store, "<!-- m -->") == (9, "digest")
    await store.pulls.release_comment(SHOP, 12, "<!-- m -->", lease)
    assert await store.pulls.claim_comment(SHOP, 12, "<!-- m -->", Lease("two"), NOW) == (9, "digest", None)


async def test_everything_survives_reopening(store_url: str) -> None:
    before = await Store.open(store_url)
    started = await before.start(run())
    await before.close()
    after = await Store.open(store_url)
    assert started is not None
    assert await after.runs.run(started.id) == started
    await after.close()


async def test_an_evicted_replica_holds_nothing_and_claims_nothing(store: Store, lease: Lease) -> None:
    started = await decided(store, lease, "one")
    await claimed(store, lease)
    await store.arrivals.accept(delivery("two"))
    await store.inbox.claim(lease, NOW, 9)
    await store.pulls.claim_comment(SHOP, 12, "<!-- m -->", lease, NOW)
    other = await store.replicas.join("other")
    # On SQLite, which has one process, joining has already evicted the other one.
    await evict(store, "one")
    with pytest.raises(LeaseLost):
        await store.replicas.renew(lease)
    with pytest.raises(LeaseLost):
        await store.runs.save(started, lease)
    with pytest.raises(LeaseLost):
        await store.commit(decision("two"), lease)
    assert [entry.holder for entry in await store.runs.queue()] == [""]
    assert [found.id for found in await claimed(store, other)] == [started.id]
    assert [found.key for found, _ in await store.inbox.claim(other, NOW, 9)] == ["two"]
    assert await store.pulls.claim_comment(SHOP, 12, "<!-- m -->", other, NOW) == (0, "", NOW)


async def test_a_visiting_process_does_not_lock_the_store(store: Store, store_url: str, lease: Lease) -> None:
    visitor = await Store.visit(store_url)
    try:
        assert await visitor.runs.unfinished() == ()
        await store.replicas.renew(lease)
    finally:
        await visitor.close()


async def test_a_store_that_no_bot_has_opened_cannot_be_visited(tmp_path: Path) -> None:
    file = tmp_path / "chatops.db"
    with pytest.raises(RuntimeError, match="no store"):
        await Store.visit(f"sqlite:///{file}")
    file.touch()
    with pytest.raises(RuntimeError, match="start the bot"):
        await Store.visit(f"sqlite:///{file}")
