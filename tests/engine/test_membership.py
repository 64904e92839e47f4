"""Leases with a clock of the test: which replicas are evicted, and when a replica fences itself."""

from dataclasses import dataclass, field

import pytest

from bot.engine.metrics import Metrics
from bot.engine.replicas.membership import EVICT_AFTER, HEARTBEAT_INTERVAL, SELF_FENCE_AFTER, Membership
from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost, Members
from bot.model.reason import Reason

AWAY = RetryLater(Reason.STORE_UNAVAILABLE, {"message": "no answer"})


@dataclass
class FakeReplicas:
    """The replicas in a store; while `away` is set, the store does not answer."""

    heartbeats: dict[str, int] = field(default_factory=dict)
    evicted: list[str] = field(default_factory=list)
    away: bool = False

    async def join(self, name: str) -> Lease:
        self._reach()
        self.heartbeats[name] = 0
        return Lease(name)

    async def heartbeat(self, lease: Lease) -> Members:
        self._reach()
        if lease.replica not in self.heartbeats:
            raise LeaseLost
        self.heartbeats[lease.replica] += 1
        return Members(dict(self.heartbeats))

    async def evict(self, name: str, heartbeat: int) -> bool:
        self._reach()
        if self.heartbeats.get(name) != heartbeat:
            return False
        del self.heartbeats[name]
        self.evicted.append(name)
        return True

    async def leave(self, lease: Lease) -> None:
        self._reach()
        self.heartbeats.pop(lease.replica, None)

    def _reach(self) -> None:
        if self.away:
            raise AWAY


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
        """Advance the clock, with renewals at the real interval."""
        end = self.now + seconds
        while self.now < end:
            self.now += HEARTBEAT_INTERVAL
            await self.member.renew()


@pytest.fixture
def replicas() -> FakeReplicas:
    return FakeReplicas()


@pytest.fixture
async def replica(replicas: FakeReplicas) -> Replica:
    made = Replica(replicas)
    await made.member.join()
    return made


async def test_a_stalled_replica_is_evicted_after_the_limit(replica: Replica, replicas: FakeReplicas) -> None:
    replicas.heartbeats["other"] = 7
    await replica.pass_(EVICT_AFTER)
    assert replicas.evicted == []
    await replica.pass_(2 * HEARTBEAT_INTERVAL)
    assert replicas.evicted == ["other"]
    assert (replica.counted.lost, replica.counted.takeovers) == (0, 1)


async def test_a_replica_with_heartbeats_is_not_evicted(replica: Replica, replicas: FakeReplicas) -> None:
    replicas.heartbeats["other"] = 0
    for _ in range(20):
        await replica.pass_(EVICT_AFTER / 2)
        replicas.heartbeats["other"] += 1
    assert replicas.evicted == []


async def test_take_over_is_within_fifteen_seconds(replica: Replica, replicas: FakeReplicas) -> None:
    replicas.heartbeats["other"] = 0
    began = replica.now
    while not replicas.evicted:
        await replica.pass_(HEARTBEAT_INTERVAL)
    assert replica.now - began < 15


async def test_an_evicted_replica_drops_everything_and_joins_under_a_new_name(
    replica: Replica, replicas: FakeReplicas
) -> None:
    old = replica.member.lease
    del replicas.heartbeats[old.replica]
    await replica.member.renew()
    assert replica.drops == 1
    with pytest.raises(LeaseLost):
        _ = replica.member.lease
    await replica.member.renew()
    assert replica.member.lease != old
    assert list(replicas.heartbeats) == [replica.member.lease.replica]
    assert replica.counted.lost == 1


async def test_a_replica_that_cannot_renew_drops_everything_before_its_eviction(
    replica: Replica, replicas: FakeReplicas
) -> None:
    await replica.member.renew()
    replicas.away = True
    await replica.pass_(SELF_FENCE_AFTER)
    assert replica.drops == 0
    await replica.pass_(HEARTBEAT_INTERVAL)
    assert replica.drops == 1
    assert SELF_FENCE_AFTER + HEARTBEAT_INTERVAL < EVICT_AFTER
    replicas.away = False
    await replica.pass_(2 * HEARTBEAT_INTERVAL)
    assert replica.drops == 1
    assert list(replicas.heartbeats) == [replica.member.lease.replica], "what its old name had is free"


async def test_a_replica_that_hung_has_no_lease_until_it_renews(replica: Replica) -> None:
    replica.now += SELF_FENCE_AFTER + 0.1
    with pytest.raises(LeaseLost):
        _ = replica.member.lease
    assert not replica.member.leads
    await replica.member.renew()
    assert replica.member.leads, "nobody had noticed"


async def test_a_replica_on_the_folder_of_a_dead_one_releases_its_work_at_once(
    replica: Replica, replicas: FakeReplicas
) -> None:
    again = Replica(replicas, instance_lock=replica.instance_lock)
    await again.member.join()
    assert list(replicas.heartbeats) == [again.member.lease.replica] == [replica.instance_lock.name]


async def test_a_short_outage_of_the_store_costs_no_lease(replica: Replica, replicas: FakeReplicas) -> None:
    lease = replica.member.lease
    for _ in range(5):
        replicas.away = True
        await replica.pass_(SELF_FENCE_AFTER / 2)
        replicas.away = False
        await replica.pass_(HEARTBEAT_INTERVAL)
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
