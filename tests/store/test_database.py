"""The connections of a database on a real server."""

import asyncio
import threading
from typing import Any

from sqlalchemy import Connection, event

from bot.store.database import Database


async def test_a_connection_that_is_opened_while_all_are_replaced_is_closed(postgres_url: str) -> None:
    database = Database(postgres_url, threads=1)
    opening, replaced = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        opening.set()
        replaced.wait()

    def connected(connection: Connection) -> Any:
        return connection.connection.dbapi_connection

    event.listen(database.engine, "do_connect", wait)
    reading = asyncio.create_task(database.read(connected))
    await asyncio.to_thread(opening.wait)
    await database.begin_again("next")
    replaced.set()
    connection = await reading

    assert connection.closed
    await database.close()
