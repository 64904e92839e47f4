"""Logs in the database survive its failures, without duplicate bytes and without blocking writers."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from bot.core.results.masking import Masker
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.reports.log import StepLog
from bot.store.database import Database
from bot.store.files import BUFFER_LIMIT, DatabaseFileStore
from bot.store.records import Store
from bot.store.replicas import OnlyReplica
from tests.fakes.stored import hold_run
from tests.real.parts import PATIENCE
from tests.real.postgres import PostgresServer
from tests.store.test_store import run

AWAY = RetryLater(Reason.STORE_UNAVAILABLE, {"message": "away"})


class Trouble:
    """Lets transactions of a database fail, before or after they are committed."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away = False
        self.answer_lost = False
        self._run = database.run
        monkeypatch.setattr(database, "run", self.run)

    async def run(self, work: Callable[..., Any]) -> Any:
        if self.away:
            raise AWAY
        answer = await self._run(work)
        if self.answer_lost:
            raise AWAY
        return answer


@pytest.fixture
def trouble(database: Database, monkeypatch: pytest.MonkeyPatch) -> Trouble:
    return Trouble(database, monkeypatch)


@pytest.fixture
def file_store(database: Database) -> DatabaseFileStore:
    return DatabaseFileStore(database)


async def test_a_commit_without_an_answer_is_not_repeated(
    file_store: DatabaseFileStore, trouble: Trouble
) -> None:
    log = file_store.open_append(7, "build.log")
    log.append(b"one\n")
    trouble.answer_lost = True
    with pytest.raises(RetryLater):
        await file_store.flush(7, "build.log")
    trouble.answer_lost = False

    log.append(b"two\n")
    await file_store.flush(7, "build.log")

    assert await file_store.read(7, "build.log") == b"one\ntwo\n"


async def test_two_writers_append_to_one_file(database: Database) -> None:
    """An evicted replica may still write output while another one continues."""
    old, new = DatabaseFileStore(database), DatabaseFileStore(database)
    dying, living = old.open_append(7, "build.log"), new.open_append(7, "build.log")
    for number in range(3):
        dying.append(f"old {number}\n".encode())
        await old.flush(7, "build.log")
        living.append(f"new {number}\n".encode())
        await new.flush(7, "build.log")

    assert await new.read(7, "build.log") == b"old 0\nnew 0\nold 1\nnew 1\nold 2\nnew 2\n"


async def test_a_log_is_buffered_while_the_database_is_unavailable(
    file_store: DatabaseFileStore, trouble: Trouble
) -> None:
    trouble.away = True
    log = StepLog(file_store.open_append(7, "build.log"), Masker([]))
    log.write("first\n")
    with pytest.raises(RetryLater):
        await file_store.write_all()
    line = "x" * 1023 + "\n"
    for _ in range(BUFFER_LIMIT // 1024 + 10):
        log.write(line)
    trouble.away = False

    await file_store.flush(7, "build.log")
    log.write("last\n")
    await file_store.flush(7, "build.log")

    kept = (await file_store.read(7, "build.log")).decode()
    assert kept.startswith("first\n" + line)
    assert kept.endswith(
        f"{line}▸ {11 * 1024} bytes of output were lost here: they could not be written\nlast\n"
    )
    assert len(kept) < BUFFER_LIMIT + 1024


async def test_a_log_survives_a_crash_of_the_server(postgres: PostgresServer, postgres_url: str) -> None:
    async with DatabaseFileStore.opened(database := Database(postgres_url)) as file_store:
        await database.migrate()
        log = file_store.open_append(7, "build.log")
        log.append(b"before\n")
        await file_store.flush(7, "build.log")
        postgres.crash()
        try:
            log.append(b"while it was away\n")
            with pytest.raises(RetryLater):
                await file_store.flush(7, "build.log")
            with pytest.raises(RetryLater):
                await file_store.read(7, "build.log")
        finally:
            postgres.start()
        log.append(b"after\n")
        await file_store.flush(7, "build.log")

        assert await file_store.read(7, "build.log") == b"before\nwhile it was away\nafter\n"


async def test_appended_data_is_written_automatically(database: Database) -> None:
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        asked.set()
        await goes_on.wait()

    file_store = DatabaseFileStore(database, sleep=sleep)
    log = file_store.open_append(7, "build.log")
    writer = asyncio.create_task(file_store.serve())
    log.append(b"one\n")
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
        assert await file_store.read(7, "build.log") == b""
        goes_on.set()
        while await file_store.read(7, "build.log") != b"one\n":  # noqa: ASYNC110 - what another replica's page does
            await asyncio.sleep(0.01)
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer


async def test_closing_writes_the_rest(store_url: str) -> None:
    async with DatabaseFileStore.opened(database := Database(store_url)) as file_store:
        await database.migrate()
        file_store.open_append(7, "build.log").append(b"last words")

    async with DatabaseFileStore.opened(Database(store_url)) as file_store:
        assert await file_store.read(7, "build.log") == b"last words"


async def test_a_piece_that_cannot_be_written_is_dropped(
    file_store: DatabaseFileStore,
    trouble: Trouble,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_work: object) -> None:
        raise ValueError("a bug")

    log = file_store.open_append(7, "build.log")
    log.append(b"one\n")
    with monkeypatch.context() as bug, caplog.at_level(logging.ERROR):
        bug.setattr(file_store._database, "run", broken)
        await file_store.flush(7, "build.log")
    log.append(b"two\n")
    await file_store.flush(7, "build.log")

    assert await file_store.read(7, "build.log") == b"two\n"
    assert "run 7: the last 4 bytes of build.log are lost" in caplog.text


async def test_a_replica_that_was_evicted_clears_no_file_of_its_successor(
    file_store: DatabaseFileStore, database: Database
) -> None:
    store = Store.of(database, OnlyReplica(database), 6)
    lost, started = await store.replicas.join("one"), await store.start(run())
    assert started is not None
    await hold_run(store, started.id, lost)
    for number in (started.id, 7):
        await file_store.put(number, {"build.log": b"of a lost store", "report.html": b"x"})

    await file_store.clear(started.id, lost)
    assert await file_store.names(started.id) == ()

    successor = await store.replicas.join("two")
    await hold_run(store, started.id, successor)
    await file_store.put(started.id, {"build.log": b"first lines"})
    for number in (started.id, 7):
        await file_store.clear(number, lost)
    assert await file_store.names(started.id) == ("build.log",)
    assert await file_store.names(7) == ("build.log", "report.html"), "of another run"
