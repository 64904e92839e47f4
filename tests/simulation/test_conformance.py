"""The model of PostgreSQL's sessions and locks behaves as the real server: both pass the same tests."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Protocol

import psycopg
import pytest

from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost
from bot.model.queue import Queue
from bot.store import leases
from bot.store.database import Database
from bot.store.leases import SessionReplicas
from bot.store.records import Store
from tests.real.parts import PATIENCE
from tests.simulation.clients import ModelDatabase, ModelNotifications, model_replicas
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Link, Network
from tests.simulation.postgresql import Server

AGE = "UPDATE replicas SET renewed_at = clock_timestamp() + make_interval(secs => %s) WHERE name = %s"
LOCKED = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"


class Listening(Protocol):
    """A session that listens."""

    async def changed(self) -> frozenset[Queue]:
        """Return what has changed."""
        ...


class Rig(Protocol):
    """Two replicas on one server, and what a test does to the server beside them."""

    first: SessionReplicas
    second: SessionReplicas
    databases: tuple[Database, Database]

    @property
    def listening(self) -> Listening:
        """Return a session that listens."""
        ...

    def locks(self) -> int:
        """Return how many locks are held."""
        ...

    def sessions(self, name: str) -> int:
        """Return how many connections have this name."""
        ...

    def age(self, name: str, seconds: float) -> None:
        """Let a member have renewed so many seconds from now."""
        ...

    def end(self) -> None:
        """End all sessions that hold a lock."""
        ...

    async def until(self, locks: int) -> None:
        """Wait until so many locks are held."""
        ...


Scenario = Callable[[Rig], Coroutine[None, None, None]]


@dataclass
class RealRig:
    """Two replicas on a real server."""

    url: str
    first: SessionReplicas
    second: SessionReplicas
    databases: tuple[Database, Database]
    listening: Listening

    def _execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(statement.encode(), values or None)
            return done.fetchall() if done.description else []

    def locks(self) -> int:
        return len(self._execute(LOCKED))

    def sessions(self, name: str) -> int:
        return len(self._execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", name))

    def age(self, name: str, seconds: float) -> None:
        self._execute(AGE, seconds, name)

    def end(self) -> None:
        self._execute(END)

    async def until(self, locks: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while await asyncio.to_thread(self.locks) != locks:  # noqa: ASYNC110 - a server can only be asked
                await asyncio.sleep(0.02)


@dataclass
class ModelRig:
    """Two replicas at the model."""

    server: Server
    network: Network
    link: Link
    databases: tuple[Database, Database] = field(init=False)
    first: SessionReplicas = field(init=False)
    second: SessionReplicas = field(init=False)
    listening: Listening = field(init=False)

    def __post_init__(self) -> None:
        parts = self.server, self.network, self.link
        self.databases = ModelDatabase(*parts), ModelDatabase(*parts)
        self.first, self.second = (model_replicas(*parts, database) for database in self.databases)
        self.listening = ModelNotifications(*parts)

    def locks(self) -> int:
        return sum(len(one.locks) for one in self.server.living())

    def sessions(self, name: str) -> int:
        pools, backends = self.server.pools, self.server.living()
        return sum(wire.name == name for wire in (*pools, *(one.wire for one in backends)))

    def age(self, name: str, seconds: float) -> None:
        self.server.members[name].move(seconds, self.server.now())

    def end(self) -> None:
        for one in self.server.living():
            self.server.hang_up(one.wire)

    async def until(self, locks: int) -> None:
        while self.locks() != locks:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.02)


async def joined(rig: Rig) -> tuple[Lease, Lease]:
    return await rig.first.join("one"), await rig.second.join("two")


async def members_hold_locks_until_they_leave(rig: Rig) -> None:
    one, two = await joined(rig)
    members = await rig.second.renew(two)
    assert (members.names, members.leader, members.silent) == (("one", "two"), "one", frozenset())
    assert rig.locks() == 2
    await rig.first.leave(one)
    assert (await rig.second.renew(two)).names == ("two",)
    with pytest.raises(LeaseLost):
        await rig.first.renew(one)


async def no_change_of_the_clock_evicts_a_replica_with_a_session(rig: Rig) -> None:
    _, two = await joined(rig)
    leases.SILENT_SECONDS = 0.0
    for seconds in (-3600, 3600):
        rig.age("one", seconds)
        assert (await rig.second.renew(two)).silent == frozenset()
        assert not await rig.second.evict("one")


async def a_replica_without_a_session_is_evicted_once_it_was_silent(rig: Rig) -> None:
    one, two = await joined(rig)
    await rig.databases[0].read(lambda _: None)
    await rig.first.close()
    await rig.until(locks=1)
    assert (await rig.second.renew(two)).silent == frozenset(), "it may not have noticed yet"
    assert not await rig.second.evict("one")
    rig.age("one", -3600)
    assert (await rig.second.renew(two)).silent == frozenset(), "the server may have just taken over"
    assert not await rig.second.evict("one")
    leases.SILENT_SECONDS = 0.0
    assert (await rig.second.renew(two)).silent == {"one"}
    assert rig.sessions("one") == 1
    assert await rig.second.evict("one")
    assert rig.sessions("one") == 0, "what it had begun cannot end any more"
    assert not await rig.second.evict("one")
    await rig.first.join("three")
    with pytest.raises(LeaseLost):
        await rig.first.renew(one)


async def a_replica_that_lost_its_session_takes_its_lock_again(rig: Rig) -> None:
    one, two = await joined(rig)
    rig.end()
    with pytest.raises(RetryLater):
        await rig.first.renew(one)
    with pytest.raises(RetryLater):
        await rig.second.renew(two)
    assert (await rig.first.renew(one)).silent == frozenset()
    leases.SILENT_SECONDS = 0.0
    assert (await rig.second.renew(two)).silent == frozenset()
    assert rig.locks() == 2


async def the_successor_on_a_folder_releases_only_a_dead_predecessor(rig: Rig) -> None:
    await joined(rig)
    third = await rig.second.join("three", before="one")
    assert (await rig.second.renew(third)).names == ("one", "two", "three"), "it lives"
    await rig.first.close()
    await rig.until(locks=1)
    fourth = await rig.second.join("four", before="one")
    assert "one" not in (await rig.second.renew(fourth)).names


async def the_server_ends_a_session_that_falls_silent(rig: Rig) -> None:
    await joined(rig)
    assert rig.locks() == 2
    await rig.until(locks=0)


async def who_leaves_wakes_those_that_listen(rig: Rig) -> None:
    one, _ = await joined(rig)
    assert await rig.listening.changed() == frozenset(Queue), "what it may have missed"
    assert await rig.listening.changed() == frozenset()
    await rig.first.leave(one)
    found = await rig.listening.changed()
    assert found | await rig.listening.changed() == frozenset(Queue)


SCENARIOS: list[Scenario] = [
    members_hold_locks_until_they_leave,
    no_change_of_the_clock_evicts_a_replica_with_a_session,
    a_replica_without_a_session_is_evicted_once_it_was_silent,
    a_replica_that_lost_its_session_takes_its_lock_again,
    the_successor_on_a_folder_releases_only_a_dead_predecessor,
    the_server_ends_a_session_that_falls_silent,
    who_leaves_wakes_those_that_listen,
]


@pytest.fixture(autouse=True)
def _silent_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "SILENT_SECONDS", leases.SILENT_SECONDS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__)
async def test_the_real_server(scenario: Scenario, postgres_url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = await Store.open(postgres_url), await Store.open(postgres_url)
        for store in stores:
            stack.push_async_callback(store.close)
        first, second = (store.replicas for store in stores)
        assert isinstance(first, SessionReplicas)
        assert isinstance(second, SessionReplicas)
        databases = stores[0].database, stores[1].database
        assert stores[0].notifications is not None
        await scenario(RealRig(postgres_url, first, second, databases, stores[0].notifications))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__)
def test_the_model(scenario: Scenario) -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    loop = VirtualLoop(chance)
    server = Server(loop)
    rig = ModelRig(server, Network(loop, chance), Link(server, 0.002))
    loop.run_until_complete(scenario(rig))
    loop.close()
