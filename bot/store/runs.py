"""Runs by number, as JSON; what others set is a column: stop request and holder.

The replica that executes a run holds it. Only the holder saves the run, and its lease proves that it is the
holder.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    case,
    func,
    insert,
    select,
    update,
)

from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.pipeline import RunnerName
from bot.model.queue import Queue, QueueEntry
from bot.model.run import Run, RunState, StopRequest
from bot.store import queues
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.notifications import notify
from bot.store.random_ids import UID_LENGTH, random_id
from bot.store.replicas import free, held_by, member
from bot.store.schema import runs

UNFINISHED = (RunState.QUEUED, RunState.RUNNING)


class Runs:
    """Runs, the queue of unfinished ones, and the revision that each run's comments show."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, run_id: int) -> Run | None:
        """Return a run, None if there is none with this number."""
        found = await self._select(select(runs).where(runs.c.id == run_id))
        return found[0] if found else None

    async def newest(self) -> int:
        """Return the highest number of a run, 0 if there is none."""
        return await self._database.read(
            lambda connection: connection.execute(select(func.max(runs.c.id))).scalar() or 0
        )

    async def runs(
        self,
        *,
        repo: RepoPath | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Run, ...]:
        """Return runs, newest first, with ids below `before`."""
        conditions: list[ColumnElement[bool]] = []
        if repo is not None:
            conditions.append(runs.c.repo == str(repo))
        if number is not None:
            conditions.append(runs.c.number == number)
        if before is not None:
            conditions.append(runs.c.id < before)
        return await self._select(select(runs).where(*conditions).order_by(runs.c.id.desc()).limit(limit))

    async def unfinished(self, repo: RepoPath | None = None, number: int | None = None) -> tuple[Run, ...]:
        """Return unfinished runs, oldest first: all, or those of one pull request."""
        statement = select(runs).where(runs.c.state.in_(UNFINISHED)).order_by(runs.c.id)
        if repo is not None:
            statement = statement.where(runs.c.repo == str(repo), runs.c.number == number)
        return await self._select(statement)

    async def queue(self) -> tuple[QueueEntry, ...]:
        """Return what scheduling needs to know of each unfinished run, oldest first."""
        _, entries = await self._database.read(_queue)
        return entries

    async def claim(
        self, lease: Lease, choose: Callable[[Sequence[QueueEntry]], Collection[int]]
    ) -> tuple[Run, ...]:
        """Claim the runs that `choose` picks from the whole queue, and return those that were still free.

        `choose` is called again if another replica has claimed meanwhile. See `queues.py`.
        """

        def work(connection: Connection) -> queues.Change | None:
            version, entries = _queue(connection)
            if not (ids := choose(entries)):
                return None
            waiting = and_(runs.c.id.in_(ids), runs.c.state.in_(UNFINISHED), free(runs.c.holder))
            return queues.Change(version, waiting & member(lease), {"holder": lease.replica})

        claimed = await queues.change(self._database, Queue.RUNS, work)
        return tuple(_value(row) for row in claimed)

    async def save(self, run: Run, lease: Lease) -> Run:
        """Save a run's progress and return it with the stop request that others may have set since.

        Raises LeaseLost if this replica does not hold the run any more.
        """
        statement = (
            update(runs)
            .where(runs.c.id == run.id, held_by(runs.c.holder, lease))
            .values(**_progress(run), revision=runs.c.revision + 1)
            .returning(runs)
        )

        def work(connection: Connection) -> Run:
            row = connection.execute(statement).mappings().first()
            if row is None:
                raise LeaseLost
            if run.state.final:
                notify(connection, Queue.RUNS)
            return _value(row)

        return await self._database.run(work)

    async def confirm(self, run_id: int, lease: Lease) -> None:
        """Raise LeaseLost if this replica does not hold a run any more."""
        statement = select(runs.c.id).where(runs.c.id == run_id, held_by(runs.c.holder, lease))
        if await self._database.read(lambda connection: connection.execute(statement).first()) is None:
            raise LeaseLost

    async def release(self, run_id: int, lease: Lease) -> None:
        """Release a run, so that any replica can claim it."""
        statement = (
            update(runs).where(runs.c.id == run_id, runs.c.holder == lease.replica).values(holder=None)
        )

        def work(connection: Connection) -> None:
            connection.execute(statement)
            notify(connection, Queue.RUNS)

        await self._database.run(work)

    async def at_revision(self, run_id: int) -> tuple[Run, int] | None:
        """Return a run and its revision, the number of its changes."""
        statement = select(runs).where(runs.c.id == run_id)

        def work(connection: Connection) -> tuple[Run, int] | None:
            row = connection.execute(statement).mappings().first()
            return (_value(row), row["revision"]) if row else None

        return await self._database.read(work)

    async def follower(self, run: Run) -> int | None:
        """Return the id of the next run of the same pull request that was started."""
        statement = select(func.min(runs.c.id)).where(
            runs.c.repo == str(run.repo), runs.c.number == run.number, runs.c.id > run.id, runs.c.started
        )
        return await self._database.read(lambda connection: connection.execute(statement).scalar())

    async def touch(self, ids: Collection[int], lease: Lease) -> None:
        """Increment the revision of runs whose comments must change although the runs did not.

        Nothing changes for a replica that was evicted.
        """
        await self._database.run(lambda connection: touch(connection, ids, member(lease)))

    async def shown(self, run_id: int, revision: int, lease: Lease) -> None:
        """Store that the comments of a run show this revision, unless this replica was evicted."""
        statement = (
            update(runs)
            .where(runs.c.id == run_id, runs.c.shown_revision < revision, member(lease))
            .values(shown_revision=revision)
        )
        await self._database.run(lambda connection: connection.execute(statement))

    async def unshown(self, limit: int = 200) -> tuple[int, ...]:
        """Return the ids of runs whose comments may show an older revision, oldest first."""
        statement = (
            select(runs.c.id).where(runs.c.shown_revision < runs.c.revision).order_by(runs.c.id).limit(limit)
        )
        return await self._database.read(lambda connection: tuple(connection.execute(statement).scalars()))

    async def _select(self, statement: Select[Any]) -> tuple[Run, ...]:
        return await self._database.read(
            lambda connection: tuple(_value(row) for row in connection.execute(statement).mappings())
        )


def add(connection: Connection, run: Run) -> Run:
    """Insert a run in the transaction of its decision, and return it with its number and random name."""
    run = replace(run, uid=run.uid or random_id(UID_LENGTH))
    values = {
        "repo": str(run.repo),
        "number": run.number,
        "runners": ",".join(sorted(run.plan.runners)),
        "removes_only": run.plan.removes_only,
        **_progress(run),
    }
    number = connection.execute(insert(runs).values(**values).returning(runs.c.id)).scalar_one()
    notify(connection, Queue.RUNS)
    return replace(run, id=number)


def idle(connection: Connection, repo: RepoPath, number: int) -> bool:
    """Whether a pull request has no unfinished run."""
    statement = select(runs.c.id).where(
        runs.c.repo == str(repo), runs.c.number == number, runs.c.state.in_(UNFINISHED)
    )
    return connection.execute(statement.limit(1)).first() is None


def touch(connection: Connection, ids: Collection[int], *conditions: ColumnElement[bool]) -> None:
    """Increment the revision of runs whose comments must change, in the transaction of what changes them."""
    connection.execute(
        update(runs).where(runs.c.id.in_(ids), *conditions).values(revision=runs.c.revision + 1)
    )


def request_stop(connection: Connection, ids: tuple[int, ...], request: StopRequest) -> tuple[int, ...]:
    """Request that unfinished runs stop; return those that had no earlier request, which would win."""
    statement = (
        update(runs)
        .where(runs.c.id.in_(ids), runs.c.state.in_(UNFINISHED), runs.c.stop_request.is_(None))
        .values(stop_request=pack(request), revision=runs.c.revision + 1)
        .returning(runs.c.id)
    )
    stopped = tuple(connection.execute(statement).scalars())
    if stopped:
        notify(connection, Queue.RUNS)
    return stopped


def _progress(run: Run) -> dict[str, object]:
    """Return the columns that follow from a run's value. A finished run has no holder."""
    ended: dict[str, object] = {"holder": None, "finished_at": run.finished_at} if run.state.final else {}
    return {"state": run.state, "started": run.started_at is not None, "data": pack(run), **ended}


# Built once: each poll asks, and building it took longer than the database needs to answer.
_QUEUE = (
    select(
        *(runs.c[name] for name in ("id", "repo", "number", "runners", "started", "removes_only")),
        case((free(runs.c.holder), ""), else_=runs.c.holder).label("holder"),
        runs.c.stop_request.is_not(None).label("stopping"),
        queues.version(Queue.RUNS),
    )
    .where(runs.c.state.in_(UNFINISHED))
    .order_by(runs.c.id)
)


def _queue(connection: Connection) -> tuple[int, tuple[QueueEntry, ...]]:
    """Return the queue with its version, whatever that is if the queue is empty."""
    rows = connection.execute(_QUEUE).mappings().all()
    return rows[0]["version"] if rows else 0, tuple(map(_entry, rows))


def _entry(row: RowMapping) -> QueueEntry:
    return QueueEntry(
        id=row["id"],
        repo=RepoPath.parse(row["repo"]),
        number=row["number"],
        runners=frozenset(RunnerName(name) for name in row["runners"].split(",") if name),
        holder=row["holder"],
        started=row["started"],
        removes_only=row["removes_only"],
        stopping=row["stopping"],
    )


def _value(row: RowMapping) -> Run:
    stop = unpack(StopRequest, row["stop_request"]) if row["stop_request"] else None
    return replace(unpack(Run, row["data"]), id=row["id"], stop=stop)
