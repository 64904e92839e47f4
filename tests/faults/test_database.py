"""A database that is locked, unavailable or in use: it is reported, and work continues afterwards."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from bot.cli import main
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.model.run import RunState
from bot.settings.model import StoreSettings
from bot.store import database
from bot.store.database import Database
from playground.webhooks import Delivery
from tests.dialogue.offline import OfflineTester, visitor
from tests.real.postgres import PostgresServer

LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the write lock of a SQLite file in another process."""
    with subprocess.Popen(  # noqa: S603 - constant arguments
        [sys.executable, "-c", LOCKER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            other.communicate()


def said(sent: Delivery) -> object:
    """Return the text of the comment of a delivery."""
    return sent.payload.get("note")


async def test_the_bot_waits_for_a_locked_sqlite_file(
    steady: OfflineTester, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    await steady.restart()
    gate = steady.world.script.hold("build")
    await steady.open()
    await gate.reached()

    async def waiting() -> bool:
        return "waits until the store is available" in caplog.text

    with locked(steady.settings.server.data_dir / "chatops.db"):
        await steady.comment("/build")
        await steady.gitee.delivered()
        # There is also a delivery for the bot's own comment, which need not be stored.
        assert [sent.status for sent in steady.gitee.deliveries if said(sent) == "/build"] == [503]
        gate.open()
        await steady.until(waiting)
        async with visitor(steady.bot.listeners.web.url) as client:
            assert (await client.get("/runs/1")).status_code == 200, "readers do not wait for writers"
    assert "2 tests passed" in await steady.read()
    assert [run.state for run in await steady.runs()] == [RunState.PASSED]


async def test_waiting_for_the_bot_outlasts_a_connection_from_before_an_outage(
    steady: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending, asked = steady._pending, list[bool]()

    async def stale_at_first() -> bool:
        asked.append(await pending())
        if len(asked) == 1:
            raise RetryLater(Reason.STORE_UNAVAILABLE)
        return asked[-1]

    monkeypatch.setattr(steady, "_pending", stale_at_first)
    await steady.idle()
    assert len(asked) > 1


async def test_an_outage_of_postgresql_costs_only_time(
    postgres: PostgresServer, postgres_url: str, steady: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await steady.restart(store=StoreSettings(url=SecretStr(postgres_url)))
    gate = steady.world.script.hold("build")
    await steady.open()
    await gate.reached()
    await steady.shows(1, "Building")
    await steady.gitee.delivered()

    async def waiting() -> bool:
        return "waits until the store is available" in caplog.text

    await asyncio.to_thread(postgres.crash)
    try:
        gate.open()
        await steady.until(waiting)
        await steady.comment("/build")
        await steady.gitee.delivered()
        missed = len(steady.gitee.deliveries) - 1
        refused = steady.gitee.deliveries[missed]
        assert (said(refused), refused.status) == ("/build", 503)
        async with visitor(steady.bot.listeners.web.url) as client:
            for path in ("/", "/runs/1", "/environments", "/api/v1/runs"):
                assert (await client.get(path)).status_code == 503
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["message"]) == (503, "store")
    finally:
        await asyncio.to_thread(postgres.start)
    assert "2 tests passed" in await steady.living(1)
    steady.gitee.redeliver(missed)
    assert "Image built" in await steady.read()
    assert [run.state for run in await steady.runs()] == [RunState.PASSED] * 2
    assert len(steady.comments()) == 2


async def test_a_bot_without_its_database_shuts_down_on_a_signal(
    postgres: PostgresServer, postgres_url: str, steady: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await steady.restart(store=StoreSettings(url=SecretStr(postgres_url)))
    await asyncio.to_thread(postgres.crash)
    try:
        await steady.stop()
    finally:
        await asyncio.to_thread(postgres.start)
    assert "this replica could not leave" in caplog.text
    await steady.start()
    assert "2 tests passed" in await steady.opened()


def test_a_second_bot_on_one_sqlite_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    first = Database(f"sqlite:///{tmp_path}/chatops.db")
    environ = {
        "CHATOPS_SERVER__DATA_DIR": str(tmp_path),
        "CHATOPS_REPOS__ALLOW": '["team/*"]',
        "CHATOPS_GITEE__TOKEN": "token",
        "CHATOPS_GITEE__WEBHOOK_SECRET": '["secret"]',
    }
    try:
        result = CliRunner().invoke(main, ["serve"], env=environ)
    finally:
        asyncio.run(first.close())
    assert result.exit_code == 1
    assert "another chatops has" in result.output
    assert "postgresql://" in result.output
    assert "Traceback" not in result.output
