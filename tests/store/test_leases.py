"""Sessions of leases on a real server; `tests/simulation/test_conformance.py` tests who counts as living."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.store import leases
from bot.store.database import Database
from bot.store.records import Store
from bot.store.session import Session
from tests.real.postgres import PostgresServer

LOCKED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"


class Server:
    """Asks and changes the server beside the bots."""

    def __init__(self, url: str) -> None:
        self._url = url

    def execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            done = connection.execute(statement.encode(), values or None)
            return done.fetchall() if done.description else []


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


async def test_a_lock_url_that_leads_elsewhere_is_refused(
    postgres_url: str, postgres: PostgresServer, server: Server
) -> None:
    """A member there is no member here, and could not be told from a replica that was evicted."""
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


@pytest.mark.parametrize(
    "state", ["08006", "25006", "25P03", "40001", "53100", "55P03", "57014", "58030", "XX001"]
)
async def test_every_state_of_a_server_in_trouble_is_away(postgres_url: str, state: str) -> None:
    database = Database(postgres_url)
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(RetryLater):
        await database.run(lambda connection: connection.exec_driver_sql(raising))
    await database.close()
