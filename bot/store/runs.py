"""Runs by number. A run's value is JSON; stop and comment are columns, since others set them."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, insert, select, update

from bot.model.forge import RepoPath
from bot.model.run import Run, RunState, StopRequest
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.schema import runs

_UNFINISHED = (RunState.QUEUED, RunState.RUNNING)


class Runs:
    """What has been asked for and what came of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, run_id: int) -> Run | None:
        """Return one run."""
        found = await self._select(select(runs).where(runs.c.id == run_id))
        return found[0] if found else None

    async def runs(
        self,
        *,
        repo: RepoPath | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Run, ...]:
        """Return runs, newest first; `before` is the id to go on from."""
        conditions: list[ColumnElement[bool]] = []
        if repo is not None:
            conditions.append(runs.c.repo == str(repo))
        if number is not None:
            conditions.append(runs.c.number == number)
        if before is not None:
            conditions.append(runs.c.id < before)
        return await self._select(select(runs).where(*conditions).order_by(runs.c.id.desc()).limit(limit))

    async def unfinished(self, repo: RepoPath | None = None, number: int | None = None) -> tuple[Run, ...]:
        """Return runs that are not over, oldest first; of one pull request when it is named."""
        statement = select(runs).where(runs.c.state.in_(_UNFINISHED)).order_by(runs.c.id)
        if repo is not None:
            statement = statement.where(runs.c.repo == str(repo), runs.c.number == number)
        return await self._select(statement)

    async def save(self, run: Run) -> Run:
        """Keep a run's progress; return it with what others have set meanwhile (stop, comment)."""

        def work(connection: Connection) -> Run:
            connection.execute(
                update(runs).where(runs.c.id == run.id).values(state=run.state, data=pack(run))
            )
            return _value(connection.execute(select(runs).where(runs.c.id == run.id)).mappings().one())

        return await self._database.run(work)

    async def set_comment(self, run_id: int, comment_id: int) -> None:
        """Remember which comment shows this run."""
        statement = update(runs).where(runs.c.id == run_id).values(comment_id=comment_id)
        await self._database.run(lambda connection: connection.execute(statement))

    async def request_stop(self, ids: Iterable[int], request: StopRequest) -> tuple[int, ...]:
        """Flag unfinished runs; return those flagged now. The first request wins."""
        wanted = tuple(ids)
        return await self._database.run(lambda connection: flag(connection, wanted, request))

    async def _select(self, statement: Select[tuple[object, ...]]) -> tuple[Run, ...]:
        return await self._database.read(
            lambda connection: tuple(_value(row) for row in connection.execute(statement).mappings())
        )


def add(connection: Connection, run: Run) -> Run:
    """Insert a run, in the transaction of the decision that asks for it; return it with its number."""
    values = {"repo": str(run.repo), "number": run.number, "state": run.state, "data": pack(run)}
    number = connection.execute(insert(runs).values(**values)).inserted_primary_key
    run = replace(run, id=int(number[0]) if number else 0)
    connection.execute(update(runs).where(runs.c.id == run.id).values(data=pack(run)))
    return run


def flag(connection: Connection, ids: tuple[int, ...], request: StopRequest) -> tuple[int, ...]:
    """Set the stop flag of unfinished runs that have none."""
    statement = (
        update(runs)
        .where(runs.c.id.in_(ids), runs.c.state.in_(_UNFINISHED), runs.c.stop.is_(None))
        .values(stop=pack(request))
        .returning(runs.c.id)
    )
    return tuple(connection.execute(statement).scalars())


def _value(row: RowMapping) -> Run:
    stop = unpack(StopRequest, row["stop"]) if row["stop"] else None
    return replace(unpack(Run, row["data"]), stop=stop, comment_id=row["comment_id"])
