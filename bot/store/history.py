"""Deletes old runs and deliveries, together with the records of their comments."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, or_, select

from bot.core import markers as names
from bot.model.delivery import DeliveryState
from bot.store.database import Database
from bot.store.dialects import aware
from bot.store.runs import UNFINISHED
from bot.store.schema import comments, deliveries, runs


class History:
    """Runs and deliveries that are over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def finish_times(self, ids: Collection[int]) -> Mapping[int, datetime | None]:
        """Return when each of these runs ended, None while it is unfinished; unknown runs are absent."""
        statement = select(runs.c.id, runs.c.finished_at).where(runs.c.id.in_(ids))

        def work(connection: Connection) -> dict[int, datetime | None]:
            return {run: ended and aware(ended) for run, ended in connection.execute(statement)}

        return await self._database.read(work)

    async def delete_runs(self, before: datetime, spared: Collection[int], limit: int) -> int:
        """Delete at most `limit` runs that ended before this time, and the records of their comments.

        Keeps the runs in `spared`, and the newest run of each pull request unless it only removes: by that
        run the bot knows that a commit has had its automatic run. Keeps the newest run of all, whose number
        SQLite would give out again. Returns the number of deleted runs.
        """

        def work(connection: Connection) -> int:
            rows = connection.execute(_deletable_runs(before, spared, limit)).all()
            markers = [
                {"its_repo": row.repo, "its_number": row.number, "its_marker": marker}
                for row in rows
                for marker in names.run_keys(row.id)
            ]
            if rows:
                connection.execute(
                    _comments_of_pull().where(comments.c.marker == bindparam("its_marker")), markers
                )
                connection.execute(delete(runs).where(runs.c.id.in_([row.id for row in rows])))
            return len(rows)

        return await self._database.run(work)

    async def delete_deliveries(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` deliveries decided before this time, and the records of the replies to them.

        Returns the number of deleted deliveries.
        """
        columns = (deliveries.c.key, deliveries.c.repo, deliveries.c.number)
        old = (deliveries.c.state != DeliveryState.PENDING, deliveries.c.decided_at < before)
        statement = select(*columns).where(*old).order_by(deliveries.c.sequence).limit(limit)

        def work(connection: Connection) -> int:
            rows = connection.execute(statement).all()
            markers = [
                {
                    "its_repo": row.repo,
                    "its_number": row.number,
                    "its_marker": f"{names.reply_keys(row.key)}%",
                }
                for row in rows
            ]
            if rows:
                connection.execute(
                    _comments_of_pull().where(comments.c.marker.like(bindparam("its_marker"))), markers
                )
                connection.execute(delete(deliveries).where(deliveries.c.key.in_([row.key for row in rows])))
            return len(rows)

        return await self._database.run(work)


def _deletable_runs(before: datetime, spared: Collection[int], limit: int) -> Select[Any]:
    later = runs.alias()
    has_later_run = (
        select(later.c.id)
        .where(later.c.repo == runs.c.repo, later.c.number == runs.c.number, later.c.id > runs.c.id)
        .exists()
    )
    return (
        select(runs.c.id, runs.c.repo, runs.c.number)
        .where(runs.c.finished_at < before, runs.c.state.not_in(UNFINISHED), runs.c.id.not_in(spared))
        .where(or_(runs.c.removes_only, has_later_run))
        .where(runs.c.id < select(func.max(later.c.id)).scalar_subquery())
        .order_by(runs.c.id)
        .limit(limit)
    )


def _comments_of_pull() -> Any:
    return delete(comments).where(
        comments.c.repo == bindparam("its_repo"), comments.c.number == bindparam("its_number")
    )
