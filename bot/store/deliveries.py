"""The inbox: deliveries that were committed, which are pending until they are decided."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from bot.core.admission import inbox
from bot.model.delivery import Delivery, DeliveryState, Trigger
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.outcome import Decision
from bot.model.queue import Queue
from bot.store import given_up, queues
from bot.store.codec import unpack
from bot.store.database import Database
from bot.store.dialects import aware
from bot.store.replicas import free, held_by, member
from bot.store.schema import deliveries, observed_states

_PENDING = deliveries.c.state == DeliveryState.PENDING
MAX_POSTPONEMENT = timedelta(hours=2)
"""Longer than any postponement: a delivery that is due later was postponed before the clock was set back."""

DENIED = "denied"
"""Ending of a pending delivery that Gitee's API denied: it found no such pull request, at least not yet."""


class Inbox:
    """Deliveries by key, in order of arrival."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime, limit: int = 100) -> tuple[tuple[Delivery, int], ...]:
        """Return pending deliveries that are due, oldest first, each with its number of earlier attempts."""
        statement = (
            select(deliveries.c.data, deliveries.c.attempt)
            .where(_is_due(now, now + MAX_POSTPONEMENT))
            .order_by(deliveries.c.sequence)
            .limit(limit)
        )

        def work(connection: Connection) -> tuple[tuple[Delivery, int], ...]:
            return tuple((unpack(Delivery, data), attempt) for data, attempt in connection.execute(statement))

        return await self._database.read(work)

    async def claim(
        self,
        lease: Lease,
        now: datetime,
        limit: int,
        *,
        reserved: int = 0,
        handling: Collection[str] = (),
    ) -> tuple[tuple[Delivery, int], ...]:
        """Claim due deliveries as `bot/core/admission/inbox.py` chooses them; return them as `due` does.

        `handling` are the keys that this replica is deciding. Other deliveries that it holds were left over
        by a failure, and are claimed again. See `queues.py` for what happens if others claim meanwhile.
        """
        chosen: tuple[str, ...] = ()

        def work(connection: Connection) -> queues.Change | None:
            nonlocal chosen
            version, waiting = _candidates(connection, now, known_only=not limit)
            busy = _busy(connection, lease, handling) if waiting else set()
            if not (chosen := inbox.choose(waiting, busy, limit, reserved)):
                return None
            mine = deliveries.c.holder == lease.replica
            free_ones = and_(deliveries.c.key.in_(chosen), _PENDING, free(deliveries.c.holder) | mine)
            return queues.Change(version, free_ones & member(lease), {"holder": lease.replica})

        rows = {row["key"]: row for row in await queues.change(self._database, Queue.DELIVERIES, work)}
        claimed = (rows[key] for key in chosen if key in rows)
        return tuple((unpack(Delivery, row["data"]), row["attempt"]) for row in claimed)

    async def deny(
        self, delivery: Delivery, lease: Lease, earliest: datetime, now: datetime
    ) -> datetime | None:
        """Release a delivery that Gitee denied, and count the attempt; return when it is due again.

        Returns None, and changes nothing, if too many of its repository wait already. Raises LeaseLost.
        """
        others = (
            _PENDING,
            deliveries.c.ending == DENIED,
            func.lower(deliveries.c.repo) == str(delivery.repo).lower(),
            deliveries.c.key != delivery.key,
        )
        latest = select(func.max(deliveries.c.due_at).label("latest"), queues.version(Queue.DELIVERIES))
        due: datetime | None = None

        def work(connection: Connection) -> queues.Change | None:
            nonlocal due
            found = connection.execute(latest.where(*others)).one()
            due = inbox.retry_at(earliest, aware(found.latest) if found.latest else None, now)
            if due is None:
                return None
            released = {"due_at": due, "attempt": deliveries.c.attempt + 1, "holder": None}
            return queues.Change(found.version, _held(delivery.key, lease), {**released, "ending": DENIED})

        if not await queues.change(self._database, Queue.DELIVERIES, work) and due is not None:
            raise LeaseLost
        return due

    async def postpone(self, key: str, lease: Lease, due_at: datetime) -> None:
        """Release a delivery until `due_at`, and count the attempt. Raises LeaseLost."""
        values = {"due_at": due_at, "attempt": deliveries.c.attempt + 1, "holder": None}
        await self._database.run(lambda connection: _change(connection, key, lease, values))

    async def fail(self, key: str, lease: Lease, ending: str, at: datetime) -> None:
        """Close a delivery that could not be decided; `ending` gives the reason, for operators.

        Raises LeaseLost.
        """
        values = {"state": DeliveryState.FAILED, "ending": ending, "decided_at": at, "holder": None}
        await self._database.run(lambda connection: _change(connection, key, lease, values))

    async def missing(self, keys: Collection[str]) -> frozenset[str]:
        """Return the keys whose deliveries never arrived, or failed because of unavailable infrastructure."""
        statement = select(deliveries.c.key).where(deliveries.c.key.in_(keys), ~given_up.condition())
        return await self._database.read(
            lambda connection: frozenset(keys) - set(connection.execute(statement).scalars())
        )

    async def pending_pulls(self) -> frozenset[tuple[str, int]]:
        """Return the pull requests with pending deliveries, as repository in lower case and number."""
        statement = select(deliveries.c.repo, deliveries.c.number).where(_PENDING)
        return await self._database.read(
            lambda connection: frozenset(
                (row.repo.lower(), row.number) for row in connection.execute(statement)
            )
        )

    async def answers(
        self, repo: RepoPath, number: int, login: str, limit: int, *, to_comments: bool = True
    ) -> tuple[datetime, ...]:
        """Return the times of the latest answers to a person without write access, newest first.

        Those to comments, or those to pushes.
        """
        comment = deliveries.c.data["trigger"].as_string() == Trigger.COMMENT
        statement = (
            select(deliveries.c.decided_at)
            .where(
                func.lower(deliveries.c.repo) == str(repo).lower(),
                deliveries.c.number == number,
                deliveries.c.stranger == login.lower(),
                comment if to_comments else ~comment,
            )
            .order_by(deliveries.c.decided_at.desc())
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: tuple(aware(at) for at in connection.execute(statement).scalars())
        )

    async def only_head(self, repo: RepoPath, number: int, sha: str) -> bool:
        """Return whether a pull request has had no other head, by the deliveries that are still kept.

        A push whose webhook was lost is noticed by the next one, although that moved the branch back.
        """
        known = deliveries.c.data
        statement = select(deliveries.c.key).where(
            func.lower(deliveries.c.repo) == str(repo).lower(),
            deliveries.c.number == number,
            (known["head_sha"].as_string() != sha) | known["moved"].as_boolean(),
        )
        return await self._database.read(lambda connection: connection.execute(statement).first() is None)

    async def delete(self, key: str, lease: Lease) -> None:
        """Delete a delivery whose claims proved false, so that the true one with its key is accepted.

        Raises LeaseLost.
        """
        statement = delete(deliveries).where(_held(key, lease)).returning(deliveries.c.key)
        await self._database.run(lambda connection: _done(connection, statement))


def finish(connection: Connection, decision: Decision, lease: Lease) -> None:
    """Close a delivery in the transaction of its decision. Raises LeaseLost without a lease on it."""
    values = {
        "state": DeliveryState.DONE,
        "ending": decision.ending,
        "decided_at": decision.at,
        "holder": None,
        "stranger": decision.outside_contributor.lower() or None,
    }
    _change(connection, decision.delivery, lease, values)


def _is_due(now: Any, latest: Any) -> ColumnElement[bool]:
    return _PENDING & or_(deliveries.c.due_at <= now, deliveries.c.due_at > latest)


def _known_pull() -> ColumnElement[bool]:
    return exists().where(
        observed_states.c.repo == func.lower(deliveries.c.repo),
        observed_states.c.number == deliveries.c.number,
    )


def _waiting(*, known_only: bool) -> Select[Any]:
    """Return the query for what is due, with its times as parameters."""
    known, denied = _known_pull(), deliveries.c.ending == DENIED
    return (
        select(
            deliveries.c.key,
            deliveries.c.repo,
            deliveries.c.number,
            known.label("known"),
            denied.label("denied"),
            queues.version(Queue.DELIVERIES),
        )
        .where(_is_due(bindparam("now"), bindparam("latest")), *((known, ~denied) if known_only else ()))
        .order_by(denied, known.desc(), deliveries.c.sequence)
        .limit(1000)
    )


# Built once: each poll asks, and building it took longer than the database needs to answer.
_WAITING = {known_only: _waiting(known_only=known_only) for known_only in (False, True)}


def _candidates(
    connection: Connection, now: datetime, *, known_only: bool
) -> tuple[int, Sequence[inbox.Candidate]]:
    """Return as many due deliveries as one claim looks through, best first, then in order of arrival.

    And the version of the queue, whatever that is if there are none.
    """
    times = {"now": now, "latest": now + MAX_POSTPONEMENT}
    rows = connection.execute(_WAITING[known_only], times).all()
    return rows[0].version if rows else 0, [
        inbox.Candidate(row.key, (row.repo.lower(), row.number), bool(row.known), bool(row.denied))
        for row in rows
    ]


def _busy(connection: Connection, lease: Lease, handling: Collection[str]) -> set[inbox.Pull]:
    """Return the pull requests of which a replica is deciding a delivery."""
    statement = select(deliveries.c.repo, deliveries.c.number, deliveries.c.key, deliveries.c.holder).where(
        _PENDING, ~free(deliveries.c.holder)
    )
    return {
        (row["repo"].lower(), row["number"])
        for row in connection.execute(statement).mappings()
        if row["holder"] != lease.replica or row["key"] in handling
    }


def _change(connection: Connection, key: str, lease: Lease, values: Mapping[str, object]) -> None:
    statement = update(deliveries).where(_held(key, lease)).values(**values).returning(deliveries.c.key)
    _done(connection, statement)


def _held(key: str, lease: Lease) -> ColumnElement[bool]:
    """Whether this replica is deciding the delivery, and no other one has decided it."""
    return and_(deliveries.c.key == key, held_by(deliveries.c.holder, lease), _PENDING)


def _done(connection: Connection, statement: Executable) -> None:
    """Execute a statement that returns the delivery it changes. Raises LeaseLost if it changes none."""
    if connection.execute(statement).first() is None:
        raise LeaseLost
