from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.model.delivery import Delivery, Trigger
from bot.model.environment import Endpoint, Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.pipeline import BuildConfig, DeployConfig, ServiceConfig, TestConfig
from bot.model.plan import Build, Deploy, Plan, Suite, Teardown, Test
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
from bot.store import schema
from bot.store.deliveries import InboxFullError
from bot.store.records import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = RepoPath("team", "shop")
SHA = "ab" * 20


def delivery(key: str, received_at: datetime = NOW) -> Delivery:
    return Delivery(key, Trigger.COMMENT, SHOP, 12, received_at, comment_id=5, head_sha=SHA, sender="lin")


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


async def test_a_delivery_is_kept_once(store: Store) -> None:
    assert await store.inbox.accept(delivery("one"))
    assert not await store.inbox.accept(delivery("one", NOW + timedelta(hours=1)))
    assert await store.inbox.due(NOW) == ((delivery("one"), 0),)


async def test_two_deliveries_that_contradict_each_other_are_not_believed(
    store: Store,
) -> None:
    first = replace(delivery("one"), body_digest="d1")
    await store.inbox.accept(first)
    assert not await store.inbox.accept(first)
    assert await store.inbox.due(NOW) == ((first, 0),)
    assert not await store.inbox.accept(replace(first, head_sha="cd" * 20))
    assert await store.inbox.due(NOW) == ((replace(first, head_sha=None, body_digest=None), 0),)


async def test_a_forgotten_delivery_is_new_when_it_comes_again(store: Store) -> None:
    await store.inbox.accept(delivery("one"))
    await store.inbox.accept(delivery("two"))
    await store.inbox.forget("one")
    assert [found.key for found, _ in await store.inbox.due(NOW)] == ["two"]
    assert await store.inbox.accept(delivery("one"))


async def test_deliveries_come_out_in_order_of_arrival_once_they_are_due(store: Store) -> None:
    for key in ("b", "a", "c"):
        await store.inbox.accept(delivery(key))
    await store.inbox.postpone("b", NOW + timedelta(seconds=5))
    assert [found.key for found, _ in await store.inbox.due(NOW)] == ["a", "c"]
    later = await store.inbox.due(NOW + timedelta(seconds=5))
    assert [(found.key, attempt) for found, attempt in later] == [("b", 1), ("a", 0), ("c", 0)]


async def test_a_full_inbox_refuses(store: Store) -> None:
    for key in "abc":
        await store.inbox.accept(delivery(key))
    with pytest.raises(InboxFullError):
        await store.inbox.accept(delivery("d"))
    assert not await store.inbox.accept(delivery("c")), "a known delivery needs no room"
    await store.inbox.fail("a", "no such pull request")
    assert await store.inbox.accept(delivery("d"))


async def test_a_decision_is_kept_whole(store: Store) -> None:
    await store.inbox.accept(delivery("one"))
    older = await store.conclude("zero", "run", start=run())
    assert older is not None
    request = StopRequest(Reason.SUPERSEDED, {"by": "cdcdcdcd"})
    started = await store.conclude(
        "one", "run", start=run(), stop=[older.id], request=request, approve=(SHOP, 12, SHA, "lin", NOW)
    )
    assert started is not None
    assert started == replace(run(), id=started.id)
    assert await store.inbox.due(NOW) == ()
    assert await store.runs.run(older.id) == replace(older, stop=request)
    assert await store.pulls.approved(SHOP, 12) == {SHA}


async def test_saving_a_run_keeps_what_others_have_set(store: Store) -> None:
    started = await store.conclude("one", "run", start=run())
    assert started is not None
    await store.runs.set_comment(started.id, 77)
    request = StopRequest(Reason.CANCELLED, {"who": "mei"})
    assert await store.runs.request_stop([started.id], request) == (started.id,)
    assert await store.runs.request_stop([started.id], StopRequest(Reason.CLOSED)) == ()
    saved = await store.runs.save(replace(started, state=RunState.RUNNING))
    assert (saved.comment_id, saved.stop, saved.state) == (77, request, RunState.RUNNING)
    assert await store.runs.run(started.id) == saved


async def test_runs_are_found_by_pull_request_newest_first(store: Store) -> None:
    first = await store.conclude("1", "run", start=run())
    other = await store.conclude("2", "run", start=replace(run(), number=13))
    last = await store.conclude("3", "run", start=run())
    assert first is not None
    assert other is not None
    assert last is not None
    assert await store.runs.runs(repo=SHOP, number=12) == (last, first)
    assert await store.runs.runs(before=last.id, limit=1) == (other,)
    await store.runs.save(replace(first, state=RunState.PASSED))
    assert await store.runs.unfinished(SHOP, 12) == (last,)
    assert await store.runs.unfinished() == (other, last)


async def test_an_environment_is_found_by_its_host_until_long_after_its_end(store: Store) -> None:
    key = EnvironmentKey(SHOP, 12, "preview")
    ready = Environment(key, "pr-12-shop", SHA, EnvironmentState.READY, 1, NOW, NOW, Endpoint("10.0.0.2", 80))
    await store.pulls.put_environment(ready)
    assert await store.pulls.environments() == (ready,)
    removed = replace(ready, state=EnvironmentState.REMOVED, endpoint=None)
    await store.pulls.put_environment(removed)
    assert await store.pulls.environments(SHOP, 12) == ()
    assert await store.pulls.environment_at("pr-12-shop") == removed
    assert await store.pulls.host_owner("pr-12-shop") == key
    assert await store.pulls.host_owner("pr-13-shop") is None


async def test_images_and_comments_are_remembered_by_pull_request(store: Store) -> None:
    image = Image("r/x:pr-12-abababab", "sha256:1", 5, SHA)
    await store.pulls.put_image(SHOP, 12, image)
    await store.pulls.put_image(SHOP, 12, replace(image, size=6))
    assert await store.pulls.images(SHOP, 12) == {SHA: replace(image, size=6)}
    await store.pulls.forget_images(SHOP, 12)
    assert await store.pulls.images(SHOP, 12) == {}
    await store.pulls.put_comment(SHOP, 12, "<!-- m -->", 0, "")
    await store.pulls.put_comment(SHOP, 12, "<!-- m -->", 9, "digest")
    assert await store.pulls.comment(SHOP, 12, "<!-- m -->") == (9, "digest")
    assert await store.pulls.comment(SHOP, 13, "<!-- m -->") is None


async def test_everything_survives_reopening_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chatops.db"
    before = await Store.open(url)
    started = await before.conclude("one", "run", start=run())
    await before.close()
    after = await Store.open(url)
    assert started is not None
    assert await after.runs.run(started.id) == started
    await after.close()


async def test_a_store_of_a_newer_bot_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chatops.db"
    before = await Store.open(url)
    await before.database.run(
        lambda connection: connection.execute(update(schema.schema_version).values(version=999))
    )
    await before.close()
    with pytest.raises(RuntimeError, match="schema version 999"):
        await Store.open(url)
