"""What leaves the store when it was kept for long enough: runs, deliveries, and records of their comments."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, or_, select

from bot.core import naming
from bot.model.delivery import DeliveryState
from bot.store.database import Database
from bot.store.runs import UNFINISHED
from bot.store.schema import comments, deliveries, runs


class Past:
    """What is over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def over(self, ids: Collection[int]) -> Mapping[int, datetime | None]:
        """Return of each of these runs that is known when it ended, None while it goes on."""
        statement = select(runs.c.id, runs.c.finished_at).where(runs.c.id.in_(ids))

        def work(connection: Connection) -> dict[int, datetime | None]:
            return {run: _aware(ended) for run, ended in connection.execute(statement)}

        return await self._database.read(work)

    async def forget_runs(self, before: datetime, spared: Collection[int], limit: int) -> int:
        """Drop runs that were over by then, and which comments showed them; return how many.

        Spared are those that are named, and the newest of each pull request unless it has removed
        everything: by it the bot knows that a commit has had its automatic run.
        """

        def work(connection: Connection) -> int:
            rows = connection.execute(_forgettable(before, spared, limit)).all()
            shown = [
                {"its_repo": row.repo, "its_number": row.number, "its_marker": marker}
                for row in rows
                for marker in naming.run_markers(row.id)
            ]
            if rows:
                connection.execute(_of_pull().where(comments.c.marker == bindparam("its_marker")), shown)
                connection.execute(delete(runs).where(runs.c.id.in_([row.id for row in rows])))
            return len(rows)

        return await self._database.run(work)

    async def forget_deliveries(self, before: datetime, limit: int) -> int:
        """Drop deliveries that were decided by then, and which comments answered them; return how many."""
        columns = (deliveries.c.key, deliveries.c.repo, deliveries.c.number)
        old = (deliveries.c.state != DeliveryState.PENDING, deliveries.c.decided_at < before)
        statement = select(*columns).where(*old).order_by(deliveries.c.sequence).limit(limit)

        def work(connection: Connection) -> int:
            rows = connection.execute(statement).all()
            answered = [
                {
                    "its_repo": row.repo,
                    "its_number": row.number,
                    "its_marker": f"{naming.reply_beginning(row.key)}%",
                }
                for row in rows
            ]
            if rows:
                connection.execute(
                    _of_pull().where(comments.c.marker.like(bindparam("its_marker"))), answered
                )
                connection.execute(delete(deliveries).where(deliveries.c.key.in_([row.key for row in rows])))
            return len(rows)

        return await self._database.run(work)


def _forgettable(before: datetime, spared: Collection[int], limit: int) -> Select[Any]:
    later = runs.alias()
    followed = (
        select(later.c.id)
        .where(later.c.repo == runs.c.repo, later.c.number == runs.c.number, later.c.id > runs.c.id)
        .exists()
    )
    return (
        select(runs.c.id, runs.c.repo, runs.c.number)
        .where(runs.c.finished_at < before, runs.c.state.not_in(UNFINISHED), runs.c.id.not_in(spared))
        .where(or_(runs.c.removes_only, followed))
        .order_by(runs.c.id)
        .limit(limit)
    )


def _aware(moment: datetime | None) -> datetime | None:
    """Return a time as UTC, which SQLite does not remember."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _of_pull() -> Any:
    return delete(comments).where(
        comments.c.repo == bindparam("its_repo"), comments.c.number == bindparam("its_number")
    )
