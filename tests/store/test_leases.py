"""Which replicas PostgreSQL counts as living: their sessions and its clock decide."""

import asyncio
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost
from bot.store import leases
from bot.store.database import Database
from bot.store.records import Store
from bot.store.session import Session
from tests.real.parts import PATIENCE
from tests.real.postgres import PostgresServer

AGE = "UPDATE replicas SET renewed_at = clock_timestamp() + make_interval(secs => %s) WHERE name = %s"
LOCKED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"


class Server:
    """Asks and changes the server beside the bots."""

    def __init__(self, url: str) -> None:
        self._url = url

    def execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            done = connection.execute(statement.encode(), values or None)
            return done.fetchall() if done.description else []

    def sessions(self, name: str) -> int:
        return len(self.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", name))


@pytest.fixture
def server(postgres_url: str) -> Server:
    return Server(postgres_url)


@pytest.fixture
async def pair(postgres_url: str) -> AsyncIterator[tuple[Store, Store]]:
    stores = await Store.open(postgres_url), await Store.open(postgres_url)
    yield stores
    for store in stores:
        await store.close()


async def joined(pair: tuple[Store, Store]) -> tuple[Lease, Lease]:
    return await pair[0].replicas.join("one"), await pair[1].replicas.join("two")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - a server can only be asked
            await asyncio.sleep(0.02)


async def test_members_hold_locks_until_they_leave(pair: tuple[Store, Store], server: Server) -> None:
    first, second = pair
    one, two = await joined(pair)
    members = await second.replicas.renew(two)
    assert (members.names, members.leader, members.silent) == (("one", "two"), "one", frozenset())
    assert server.execute(LOCKED) == [(2,)]
    await first.replicas.leave(one)
    assert (await second.replicas.renew(two)).names == ("two",)
    with pytest.raises(LeaseLost):
        await first.replicas.renew(one)


@pytest.mark.parametrize("age", [-3600, 3600])
async def test_no_change_of_the_clock_evicts_a_replica_with_a_session(
    pair: tuple[Store, Store], server: Server, monkeypatch: pytest.MonkeyPatch, age: int
) -> None:
    _, two = await joined(pair)
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0.0)
    server.execute(AGE, age, "one")
    assert (await pair[1].replicas.renew(two)).silent == frozenset()
    assert not await pair[1].replicas.evict("one")


async def test_a_replica_without_a_session_is_evicted_once_it_was_silent(
    pair: tuple[Store, Store], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    one, two = await joined(pair)
    await first.database.read(lambda _: None)
    await first.replicas.close()
    await until(lambda: server.execute(LOCKED) == [(1,)])
    assert (await second.replicas.renew(two)).silent == frozenset(), "it may not have noticed yet"
    assert not await second.replicas.evict("one")
    server.execute(AGE, -3600, "one")
    assert (await second.replicas.renew(two)).silent == frozenset(), "the server may have just taken over"
    assert not await second.replicas.evict("one")
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0.0)
    assert (await second.replicas.renew(two)).silent == {"one"}
    assert server.sessions("one") == 1
    assert await second.replicas.evict("one")
    assert server.sessions("one") == 0, "what it had begun cannot end any more"
    assert not await second.replicas.evict("one")
    await first.replicas.join("three")
    with pytest.raises(LeaseLost):
        await first.replicas.renew(one)


async def test_a_replica_that_lost_its_session_takes_its_lock_again(
    pair: tuple[Store, Store], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair
    one, two = await joined(pair)
    server.execute(END)
    with pytest.raises(RetryLater):
        await first.replicas.renew(one)
    with pytest.raises(RetryLater):
        await second.replicas.renew(two)
    assert (await first.replicas.renew(one)).silent == frozenset()
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0.0)
    assert (await second.replicas.renew(two)).silent == frozenset()


async def test_a_replica_ends_its_own_session_that_it_cannot_reach(
    pair: tuple[Store, Store], server: Server
) -> None:
    one, _ = await joined(pair)
    before = await pair[0].replicas.renew(one)
    replicas = pair[0].replicas
    assert isinstance(replicas, leases.SessionReplicas)
    lost = replicas._session
    replicas._session = Session(replicas._url, "one")
    assert await replicas.renew(one) == before
    assert server.execute(LOCKED) == [(2,)]
    assert lost is not None
    lost.close()


async def test_the_successor_on_a_folder_releases_only_a_dead_predecessor(
    pair: tuple[Store, Store], server: Server
) -> None:
    await joined(pair)
    third = await pair[1].replicas.join("three", before="one")
    assert (await pair[1].replicas.renew(third)).names == ("one", "two", "three"), "it lives"
    await pair[0].replicas.close()
    await until(lambda: server.execute(LOCKED) == [(1,)])
    fourth = await pair[1].replicas.join("four", before="one")
    assert "one" not in (await pair[1].replicas.renew(fourth)).names


async def test_the_server_ends_a_session_that_falls_silent(pair: tuple[Store, Store], server: Server) -> None:
    await joined(pair)
    assert server.execute(LOCKED) == [(2,)]
    await until(lambda: server.execute(LOCKED) == [(0,)])


async def test_a_lock_url_through_a_pooler_is_refused(
    pair: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler drops the limits of its clients, or refuses them."""
    monkeypatch.setattr("bot.store.session.LIMITS", {})
    with pytest.raises(RuntimeError, match="lock_url"):
        await pair[0].replicas.join("one")


async def test_a_lock_url_that_leads_elsewhere_is_refused(
    postgres_url: str, postgres: PostgresServer, server: Server
) -> None:
    """Whoever is a member there is none here, and could not be told from one that was evicted."""
    elsewhere = postgres.create()
    await (await Store.open(postgres.url(elsewhere))).close()
    store = await Store.open(postgres_url, lock_url=postgres.url(elsewhere))
    with pytest.raises(RuntimeError, match="lock_url"):
        await store.replicas.join("one")
    await store.close()
    postgres.drop(elsewhere)

    server.execute("CREATE ROLE other LOGIN SUPERUSER")
    other = make_url(postgres_url).set(username="other").render_as_string(hide_password=False)
    store = await Store.open(postgres_url, lock_url=other)
    with pytest.raises(RuntimeError, match="lock_url"):
        await store.replicas.join("one")
    await store.close()
    server.execute("DROP ROLE other")


async def test_an_old_server_is_refused(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.store.migrate.OLDEST", 99)
    with pytest.raises(RuntimeError, match="needs PostgreSQL 99 or newer"):
        await Store.open(postgres_url)


@pytest.mark.parametrize("state", ["08006", "25006", "40001", "53100", "55P03", "57014", "58030", "XX001"])
async def test_every_state_of_a_server_in_trouble_is_away(postgres_url: str, state: str) -> None:
    database = Database(postgres_url)
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(RetryLater):
        await database.run(lambda connection: connection.exec_driver_sql(raising))
    await database.close()
