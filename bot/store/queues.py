"""Claims from a queue without a lock: compare and set.

What a replica may claim depends on the whole queue: the limits, one run for each pull request, the order of
deliveries. So it reads the queue with its version, chooses, and claims in one statement that counts the
version up, and does nothing if another claim did that since. Then it reads again; somebody has made progress.
A replica that freezes anywhere in between holds nothing that others would wait for.

Only claims count. Whatever else changes a queue meanwhile makes room in it or adds to its end, and the
statement checks the state and the holder of each row that it claims. It skips rows that are locked.

An advisory lock within the statement would not do: its snapshot is older than the lock, so it could miss the
claim of the last holder. PostgreSQL compares a row that it waited for with its latest state:
https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, Table, func, select, true, update

from bot.model.queue import Queue
from bot.store.database import Database
from bot.store.dialects import insert, is_postgresql
from bot.store.schema import deliveries, queues, runs

_KEYS: Mapping[Queue, Column[Any]] = {Queue.DELIVERIES: deliveries.c.key, Queue.RUNS: runs.c.id}


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was chosen by what a queue contained at a version."""

    version: int
    rows: ColumnElement[bool]
    """Which rows to change: those chosen, as far as they are as they were."""
    values: Mapping[str, object]


def version(queue: Queue) -> ColumnElement[int]:
    """Return the version of a queue, as a column of a query that reads the queue."""
    found = select(queues.c.version).where(queues.c.name == queue).scalar_subquery()
    return func.coalesce(found, 0).label("version")


async def change(
    database: Database, queue: Queue, choose: Callable[[Connection], Change | None]
) -> Sequence[RowMapping]:
    """Read the queue, choose, and change it; return the changed rows.

    `choose` reads the version with, or before, everything else. It is called again if the version changes.
    """
    while True:
        chosen = await database.read(choose)
        if chosen is None:
            return ()
        changed = await database.autocommit(partial(change_at, queue=queue, chosen=chosen))
        if changed is not None:
            return changed


def change_at(connection: Connection, *, queue: Queue, chosen: Change) -> Sequence[RowMapping] | None:
    """Change the queue if it has this version, in one statement; return the changed rows, otherwise None."""
    key = _KEYS[queue]
    turn = (
        insert(connection, queues)
        .values(name=queue, version=chosen.version + 1)
        .on_conflict_do_update(
            index_elements=[queues.c.name],
            set_={"version": queues.c.version + 1},
            where=queues.c.version == chosen.version,
        )
        .returning(queues.c.version)
    )
    table: Table = key.table
    if not is_postgresql(connection):
        if connection.execute(turn).first() is None:
            return None
        statement = update(table).where(chosen.rows).values(**chosen.values).returning(table)
        return connection.execute(statement).mappings().all()
    mine = turn.cte("mine")
    unlocked = (
        select(key)
        .where(chosen.rows, select(mine).exists())
        .with_for_update(of=table, skip_locked=True)
        .cte("unlocked")
    )
    changed = (
        update(table).where(key.in_(select(unlocked))).values(**chosen.values).returning(table).cte("changed")
    )
    rows = connection.execute(select(changed).select_from(mine.outerjoin(changed, true()))).mappings().all()
    return [row for row in rows if row[key.name] is not None] if rows else None
