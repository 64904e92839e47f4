"""Leases with a clock of the test: when a replica fences itself, whatever the store does."""

import asyncio
from dataclasses import dataclass, field

import pytest

from bot.engine.metrics import Metrics
from bot.engine.replicas.membership import FENCE_AFTER, RENEW_INTERVAL, WATCH_INTERVAL, Membership
from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost, Members
from bot.model.reason import Reason

AWAY = RetryLater(Reason.STORE_UNAVAILABLE, {"message": "no answer"})


@dataclass
class FakeReplicas:
    """The replicas in a store; while `away` is set it refuses, while `answers` is clear it is mute."""

    names: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    evicted: list[str] = field(default_factory=list)
    away: Exception | None = None
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    async def join(self, name: str, before: str = "") -> Lease:
        await self._reach()
        self.names = [*(known for known in self.names if known != before), name]
        return Lease(name)

    async def renew(self, lease: Lease) -> Members:
        await self._reach()
        if lease.replica not in self.names:
            raise LeaseLost
        return Members(tuple(self.names), frozenset(self.silent))

    async def evict(self, name: str) -> bool:
        await self._reach()
        if name not in self.silent:
            return False
        self.names.remove(name)
        self.silent.remove(name)
        self.evicted.append(name)
        return True

    async def leave(self, lease: Lease) -> None:
        await self._reach()
        self.names.remove(lease.replica)

    async def _reach(self) -> None:
        if self.away is not None:
            raise self.away
        await self.answers.wait()


@dataclass
class FakeInstanceLock:
    """A fake instance lock."""

    name: str = ""

    def remember(self, name: str) -> None:
        self.name = name


@dataclass
class Counted(Metrics):
    """Counts the metrics of a replica."""

    lost: int = 0
    takeovers: int = 0

    def lease_lost(self) -> None:
        self.lost += 1

    def replica_evicted(self) -> None:
        self.takeovers += 1


@dataclass
class Replica:
    """A membership with its own clock."""

    replicas: FakeReplicas
    now: float = 100.0
    drops: int = 0
    counted: Counted = field(default_factory=Counted)
    instance_lock: FakeInstanceLock = field(default_factory=FakeInstanceLock)
    member: Membership = field(init=False)

    def __post_init__(self) -> None:
        self.member = Membership(
            self.replicas, self.instance_lock, monotonic=lambda: self.now, metrics=self.counted
        )
        self.member.on_lease_lost(self._drop)

    async def _drop(self) -> None:
        self.drops += 1

    async def pass_(self, seconds: float) -> None:
        """Advance the clock, with renewals and looks at the real intervals."""
        for step in range(1, round(seconds / WATCH_INTERVAL) + 1):
            self.now += WATCH_INTERVAL
            await self.member.watch()
            if step % round(RENEW_INTERVAL / WATCH_INTERVAL) == 0:
                await self.member.renew()


@pytest.fixture
async def replicas() -> FakeReplicas:
    return FakeReplicas()


@pytest.fixture
async def replica(replicas: FakeReplicas) -> Replica:
    made = Replica(replicas)
    await made.member.join()
    return made


async def test_silent_replicas_are_evicted_and_no_others(replica: Replica, replicas: FakeReplicas) -> None:
    replicas.names += ["silent", "living"]
    await replica.pass_(RENEW_INTERVAL)
    assert replicas.evicted == []
    replicas.silent.add("silent")
    woken: list[str] = []
    replica.member.on_eviction(lambda: woken.append("takes over at once"))
    await replica.pass_(RENEW_INTERVAL)
    assert (replicas.evicted, len(woken)) == (["silent"], 1)
    assert (replica.counted.lost, replica.counted.takeovers) == (0, 1)


async def test_an_evicted_replica_drops_everything_and_joins_under_a_new_name(
    replica: Replica, replicas: FakeReplicas
) -> None:
    old = replica.member.lease
    replicas.names.remove(old.replica)
    await replica.member.renew()
    assert replica.drops == 1
    with pytest.raises(LeaseLost):
        _ = replica.member.lease
    await replica.member.renew()
    assert replica.member.lease != old
    assert replicas.names == [replica.member.lease.replica]
    assert replica.counted.lost == 1


async def test_a_replica_that_cannot_renew_drops_everything_when_its_lease_ends(
    replica: Replica, replicas: FakeReplicas
) -> None:
    await replica.member.renew()
    replicas.away = AWAY
    await replica.pass_(FENCE_AFTER - WATCH_INTERVAL)
    assert replica.drops == 0
    await replica.pass_(WATCH_INTERVAL)
    assert replica.drops == 1
    replicas.away = None
    await replica.pass_(RENEW_INTERVAL)
    assert replica.drops == 1
    assert replicas.names == [replica.member.lease.replica], "what its old name had is free"


async def test_a_mute_store_does_not_hold_up_the_end_of_the_lease(
    replica: Replica, replicas: FakeReplicas
) -> None:
    replicas.answers.clear()
    waiting = asyncio.create_task(replica.member.renew())
    await asyncio.sleep(0)
    replica.now += FENCE_AFTER
    await replica.member.watch()
    assert replica.drops == 1
    replicas.answers.set()
    await waiting
    with pytest.raises(LeaseLost):
        _ = replica.member.lease
    assert replica.drops == 1, "an answer that comes too late revives nothing"


async def test_the_lease_counts_from_the_request_and_not_from_the_answer(
    replica: Replica, replicas: FakeReplicas
) -> None:
    replicas.answers.clear()
    waiting = asyncio.create_task(replica.member.renew())
    await asyncio.sleep(0)
    replica.now += FENCE_AFTER - WATCH_INTERVAL
    replicas.answers.set()
    await waiting
    await replica.member.watch()
    assert replica.drops == 0
    replica.now += WATCH_INTERVAL
    await replica.member.watch()
    assert replica.drops == 1


async def test_nobody_joins_before_the_work_of_the_last_lease_has_stopped(
    replica: Replica, replicas: FakeReplicas
) -> None:
    stopped = asyncio.Event()

    async def stop() -> None:
        await stopped.wait()

    replica.member.on_lease_lost(stop)
    replica.now += FENCE_AFTER
    watching = asyncio.create_task(replica.member.watch())
    await asyncio.sleep(0)
    joining = asyncio.create_task(replica.member.renew())
    await asyncio.sleep(0)
    assert len(replicas.names) == 1
    stopped.set()
    await asyncio.gather(watching, joining)
    assert replica.member.leads


async def test_a_replica_that_hung_has_no_lease_until_it_joins_again(replica: Replica) -> None:
    replica.now += FENCE_AFTER
    with pytest.raises(LeaseLost):
        _ = replica.member.lease
    assert not replica.member.leads
    await replica.pass_(RENEW_INTERVAL)
    assert replica.member.leads
    assert replica.drops == 1


async def test_nothing_ends_the_loops(replicas: FakeReplicas) -> None:
    """Neither a bug nor a store that cannot grant leases any more."""
    attempts = asyncio.Queue[float]()

    async def sleep(seconds: float) -> None:
        await attempts.put(seconds)
        await asyncio.sleep(0)

    member = Membership(replicas, FakeInstanceLock(), sleep=sleep)
    replicas.away = RuntimeError("a bug")
    serving = asyncio.create_task(member.serve())
    for _ in range(20):
        await attempts.get()
    assert not serving.done()
    assert not member.leads
    replicas.away = None
    for _ in range(20):
        await attempts.get()
    assert member.leads
    serving.cancel()


async def test_a_replica_on_the_folder_of_a_dead_one_releases_its_work_at_once(
    replica: Replica, replicas: FakeReplicas
) -> None:
    again = Replica(replicas, instance_lock=replica.instance_lock)
    await again.member.join()
    assert replicas.names == [again.member.lease.replica] == [replica.instance_lock.name]


async def test_a_short_outage_of_the_store_costs_no_lease(replica: Replica, replicas: FakeReplicas) -> None:
    lease = replica.member.lease
    for _ in range(5):
        replicas.away = AWAY
        await replica.pass_(FENCE_AFTER / 2)
        replicas.away = None
        await replica.pass_(RENEW_INTERVAL)
    assert replica.member.lease == lease
    assert replica.drops == 0


async def test_the_oldest_replica_leads_until_it_leaves(replica: Replica, replicas: FakeReplicas) -> None:
    second = Replica(replicas)
    await second.member.join()
    await replica.member.renew()
    assert (replica.member.leads, second.member.leads) == (True, False)
    await replica.member.leave()
    assert not replica.member.leads
    await second.member.renew()
    assert second.member.leads
    assert replicas.evicted == []
