"""Migrates the tables of each version, with rows in all of them, and checks that no value is lost."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, DateTime, LargeBinary, MetaData, Table, insert, select, text, update

from bot.model.forge import RepoPath
from bot.model.run import RunState
from bot.store import schema
from bot.store.database import Database
from bot.store.dialects import is_postgresql
from bot.store.migrate import _config
from bot.store.records import Store
from tests.store.rows import evict, stored_comment

SAMPLES = Path(__file__).parent / "samples"
SHOP = RepoPath("team", "shop")
VERSIONS = tuple(sorted(file.stem for file in SAMPLES.glob("*.json")))
RENAMES = "0003"
"""The version that renamed tables and columns."""
APPROVALS = "0005"
"""The version that forgot approvals, because it needs more than earlier bots stored with them."""
SESSIONS = "0006"
"""The version that forgot the replicas, none of which had a session."""
COMPATIBLE = VERSIONS[VERSIONS.index(SESSIONS) :]
NEW_NAMES = {
    "sightings": "observed_states",
    "begun": "started",
    "removes": "removes_only",
    "shown": "shown_revision",
    "stop": "stop_request",
}

Rows = dict[str, list[dict[str, Any]]]


def sample(version: str) -> Rows:
    found: Rows = json.loads((SAMPLES / f"{version}.json").read_text())
    return found


def migrated(version: str) -> Rows:
    """Return the rows of a sample as they are after all migrations."""
    rows = sample(version)
    if version < APPROVALS:
        rows["approvals"] = []
    if version < SESSIONS:
        rows["replicas"] = []
    if version >= RENAMES:
        return rows
    found = {
        NEW_NAMES.get(table, table): [
            {NEW_NAMES.get(column, column): value for column, value in row.items()} for row in values
        ]
        for table, values in rows.items()
    }
    for run in found["runs"]:
        del run["comment_id"]  # nothing read it
    for environment in found["environments"]:
        data = environment["data"]
        if "sleeper" in data:
            data["suspendable_by"] = data.pop("sleeper")
    return found


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open a transaction beside the store, which locks a SQLite file."""
    database = Database(url)
    try:
        with database.engine.begin() as connection:
            if is_postgresql(connection):
                # A test may be stopped by its machine for longer than a bot that holds others up.
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield connection
    finally:
        asyncio.run(database.close())


def tables(connection: Connection) -> dict[str, Table]:
    found = MetaData()
    found.reflect(connection)
    return dict(found.tables)


def fill(connection: Connection, rows: Rows) -> None:
    """Insert rows as a bot of the sample's version does, which names only the columns that it knows."""
    known = tables(connection)
    for name, all_values in rows.items():
        for values in all_values:
            given = {column: value for column, value in values.items() if value is not None}
            row = {column: _typed(known[name], column, value) for column, value in given.items()}
            connection.execute(insert(known[name]).values(**row))


def _typed(table: Table, column: str, value: Any) -> Any:
    kind = table.c[column].type
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    return value.encode() if isinstance(kind, LargeBinary) else value


def content(connection: Connection, like: Rows) -> Rows:
    """Return the present values of these columns."""
    known = tables(connection)
    found: Rows = {}
    for name, rows in like.items():
        table = known[name]
        got = connection.execute(select(table).order_by(*table.primary_key)).mappings()
        found[name] = [{column: _plain(row[column]) for column in next(iter(rows), row)} for row in got]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value.decode() if isinstance(value, bytes) else value


def make(connection: Connection, version: str) -> None:
    """Migrate an empty database to an earlier version, and insert its rows."""
    command.upgrade(_config(connection), version)
    connection.execute(insert(schema.schema_version).values(version=_required(version)))
    fill(connection, sample(version))


def _required(version: str) -> int:
    return 1 if version < RENAMES else 2 if version < APPROVALS else 3


def made(url: str, version: str) -> None:
    """Leave a database as a bot of this version left it."""
    with connected(url) as connection:
        make(connection, version)


def unchanged(url: str, version: str) -> None:
    """Fail unless a database has the sample's rows, under the names of today, and no more."""
    with connected(url) as connection:
        assert content(connection, migrated(version)) == migrated(version)
        assert connection.execute(select(schema.schema_version.c.version)).all() == [(schema.VERSION,)]


def opened(url: str) -> None:
    """Open the store as a bot does at its start."""

    async def open_and_close() -> None:
        await (await Store.open(url)).close()

    asyncio.run(open_and_close())


def test_every_version_has_a_sample() -> None:
    scripts = ScriptDirectory.from_config(_config(None)).walk_revisions()  # type: ignore[arg-type] # reads files only
    assert sorted(script.revision for script in scripts) == list(VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
def test_migrations_keep_every_value(store_url: str, version: str) -> None:
    made(store_url, version)
    opened(store_url)
    unchanged(store_url, version)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_data_of_an_old_bot_can_be_used(store_url: str, version: str) -> None:
    await asyncio.to_thread(made, store_url, version)
    store = await Store.open(store_url)
    lease = await store.replicas.join("new")
    await evict(store, "a")
    assert [run.state for run in await store.runs.unfinished()] == [RunState.RUNNING, RunState.QUEUED]
    queue = await store.runs.queue()
    assert [(one.started, one.held, one.stopping) for one in queue] == [(True,) + (False,) * 2, (False,) * 3]
    now = datetime.fromisoformat("2026-03-02T00:00+00:00")
    assert [(one.key, attempt) for one, attempt in await store.inbox.claim(lease, now, 9)] == [("two", 3)]
    assert [one.host for one in await store.pulls.environments(SHOP, 12)] == ["pr-12-shop"]
    assert len(await store.pulls.images(SHOP, 12)) == 1
    assert len(await store.pulls.approvals(SHOP, 12)) == (version >= APPROVALS)
    assert await stored_comment(store, "<!-- chatops:run=1 -->") == (7, "d")
    await store.close()


@pytest.mark.parametrize("version", COMPATIBLE)
def test_a_compatible_old_bot_can_insert_into_the_new_tables(store_url: str, version: str) -> None:
    opened(store_url)
    with connected(store_url) as connection:
        fill(connection, sample(version))
        assert content(connection, sample(version)) == sample(version)


def test_the_migrated_schema_is_that_of_the_code(store_url: str) -> None:
    opened(store_url)
    with connected(store_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, schema.metadata)
    assert found == []


def test_a_store_that_a_newer_bot_has_extended_is_usable(store_url: str) -> None:
    opened(store_url)
    with connected(store_url) as connection:
        connection.execute(text("ALTER TABLE runs ADD COLUMN mood VARCHAR(9) NOT NULL DEFAULT 'calm'"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    opened(store_url)
    with connected(store_url) as connection:
        fill(connection, sample(VERSIONS[-1]))
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0999"


def test_a_store_that_needs_a_newer_bot_is_refused(store_url: str) -> None:
    opened(store_url)
    with connected(store_url) as connection:
        connection.execute(update(schema.schema_version).values(version=999))
    with pytest.raises(RuntimeError, match="schema version 999"):
        opened(store_url)


@pytest.mark.parametrize("version", [None, *VERSIONS])
async def test_replicas_that_start_at_once_migrate_once(postgres_url: str, version: str | None) -> None:
    if version is not None:
        await asyncio.to_thread(made, postgres_url, version)
    code = "import asyncio, sys\nfrom bot.store.records import Store\nasyncio.run(Store.open(sys.argv[1]))\n"
    replicas = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, postgres_url) for _ in range(3)
    ]
    assert [await replica.wait() for replica in replicas] == [0, 0, 0]
    if version is not None:
        await asyncio.to_thread(unchanged, postgres_url, version)
