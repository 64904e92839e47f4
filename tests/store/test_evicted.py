"""What a replica that was evicted may still write: nothing about what its successor may hold."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.environment import Environment, EnvironmentState
from bot.model.lease import Lease, LeaseLost
from bot.model.run import Image
from bot.store.pull_writer import PullWriter
from bot.store.records import Store
from tests.fakes.stored import hold_run, put_environment
from tests.store.test_store import ready, run
from tests.store.values import NOW, SHA, SHOP, decision, delivery

MARKER = "<!-- m -->"
SOON = NOW + timedelta(hours=1)
IMAGE = Image("r/x:pr-12-abababab", "sha256:1", 5, SHA)

WriteDelivery = Callable[[Store, Lease], Awaitable[object]]
WritePull = Callable[[PullWriter], Awaitable[object]]

INBOX: dict[str, WriteDelivery] = {
    "fail": lambda store, lease: store.inbox.fail("one", lease, "gitee_unavailable: 502", NOW),
    "postpone": lambda store, lease: store.inbox.postpone("one", lease, SOON),
    "deny": lambda store, lease: store.inbox.deny(delivery("one"), lease, NOW, NOW),
    "delete": lambda store, lease: store.inbox.delete("one", lease),
}
PULLS: dict[str, WritePull] = {
    "replace": lambda writer: writer.replace(ready(), failed(ready())),
    "change": lambda writer: writer.change(SHOP, 12, failed),
    "reserve_hostname": lambda writer: writer.reserve_hostname(failed(ready()), (ready().host,)),
    "adopt": lambda writer: writer.adopt(failed(ready()), (ready().host,)),
    "put_image": lambda writer: writer.put_image(SHOP, 12, replace(IMAGE, size=6)),
    "forget_images": lambda writer: writer.forget_images(SHOP, 12),
}


WRITERS = [
    pytest.param(write, of_run, id=f"{name}-{'its run' if of_run else 'the replica'}")
    for name, write in PULLS.items()
    for of_run in (True, False)
    if not (
        of_run and name in {"replace", "adopt"}
    )  # which wait until the pull request has no unfinished run
]


def failed(environment: Environment) -> Environment:
    return replace(environment, state=EnvironmentState.FAILED)


async def evicted_by(store: Store, lease: Lease) -> Lease:
    """Evict a replica; return the lease of its successor."""
    await store.replicas.leave(lease)
    return await store.replicas.join("two")


async def held_run(store: Store, lease: Lease) -> int:
    started = await store.start(run())
    assert started is not None
    await hold_run(store, started.id, lease)
    return started.id


@pytest.mark.parametrize("write", INBOX.values(), ids=INBOX)
async def test_a_delivery_stays_as_the_successor_decided_it(
    store: Store, lease: Lease, write: WriteDelivery
) -> None:
    await store.arrivals.accept(delivery("one"))
    assert await store.inbox.claim(lease, NOW, 1)
    successor = await evicted_by(store, lease)
    assert await store.inbox.claim(successor, NOW, 1)
    with pytest.raises(LeaseLost):
        await write(store, lease)
    started = await store.commit(decision("one", start=run()), successor)
    for late in (lease, successor):
        with pytest.raises(LeaseLost):
            await write(store, late)

    assert await store.inbox.missing(["one"]) == frozenset()
    assert not await store.arrivals.accept(delivery("one")), "sent again, it does not start a second run"
    assert await store.inbox.due(SOON) == ()
    assert await store.runs.runs() == (started,)


@pytest.mark.parametrize(("write", "of_run"), WRITERS)
async def test_a_pull_request_stays_as_the_successor_stored_it(
    store: Store, lease: Lease, write: WritePull, *, of_run: bool
) -> None:
    await put_environment(store, ready())
    await store.pulls.writer(None).put_image(SHOP, 12, IMAGE)
    number = await held_run(store, lease) if of_run else None
    successor = await evicted_by(store, lease)

    with pytest.raises(LeaseLost):
        await write(store.pulls.writer(lease, number))
    if number is not None:
        await store.runs.claim(successor, lambda _: [number])
        with pytest.raises(LeaseLost):
            await write(store.pulls.writer(lease, number))

    assert await store.pulls.environments() == (ready(),)
    assert await store.pulls.images(SHOP, 12) == {SHA: IMAGE}
    await write(store.pulls.writer(successor, number))
    changed = await store.pulls.environments(), await store.pulls.images(SHOP, 12)
    assert changed != ((ready(),), {SHA: IMAGE})


async def test_a_run_does_not_change_the_environment_of_a_later_one(store: Store, lease: Lease) -> None:
    number = await held_run(store, lease)
    later = replace(ready(), run=number + 1)
    await put_environment(store, later)
    writer = store.pulls.writer(lease, number)

    await writer.change(SHOP, 12, failed)
    await writer.reserve_hostname(replace(failed(later), run=number), (later.host,))

    assert await store.pulls.environments() == (later,)


async def test_a_run_is_confirmed_only_for_its_holder(store: Store, lease: Lease) -> None:
    number = await held_run(store, lease)
    await store.runs.confirm(number, lease)
    await evicted_by(store, lease)
    with pytest.raises(LeaseLost):
        await store.runs.confirm(number, lease)


async def test_a_comment_stays_as_the_successor_wrote_it(store: Store, lease: Lease) -> None:
    await store.pulls.claim_comment(SHOP, 12, MARKER, lease, NOW)
    successor = await evicted_by(store, lease)
    assert await store.pulls.claim_comment(SHOP, 12, MARKER, successor, NOW) == (0, "", NOW)
    await store.pulls.put_comment(SHOP, 12, MARKER, successor, comment_id=9, body_digest="new")
    with pytest.raises(LeaseLost):
        await store.pulls.put_comment(SHOP, 12, MARKER, lease, comment_id=8, body_digest="old")
    await store.pulls.release_comment(SHOP, 12, MARKER, successor)
    with pytest.raises(LeaseLost):
        await store.pulls.put_comment(SHOP, 12, MARKER, lease, comment_id=8, body_digest="old")
    assert await store.pulls.claim_comment(SHOP, 12, MARKER, successor, NOW) == (9, "new", NOW)


async def test_an_evicted_replica_does_not_say_what_comments_show(store: Store, lease: Lease) -> None:
    started = await store.start(run())
    assert started is not None
    await evicted_by(store, lease)

    await store.runs.shown(started.id, 99, lease)
    await store.runs.touch([started.id], lease)

    assert await store.runs.unshown() == (started.id,)
    assert await store.runs.at_revision(started.id) == (started, 1)


async def test_runs_of_an_evicted_replica_wait_for_another_one(store: Store, lease: Lease) -> None:
    await held_run(store, lease)
    assert (await store.stats()).waiting == 0
    successor = await evicted_by(store, lease)
    assert (await store.stats()).waiting == 1, "the successor may claim it"
    assert await store.runs.claim(successor, lambda queue: [entry.id for entry in queue])
    assert (await store.stats()).waiting == 0
