"""The inbox: a delivery is committed here before Gitee hears 200, and leaves it only when it is decided."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.model.delivery import Delivery, DeliveryState
from bot.model.lease import Lease, LeaseLost
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.locking import Lock, hold
from bot.store.replicas import free, held_by
from bot.store.schema import deliveries

MOST_WAITING = 4_000
"""Deliveries that may wait for their commit: more would only fill the memory."""
LONGEST_WAIT = timedelta(hours=2)
"""No postponement lasts that long: a delivery due later was postponed before the clock was set back."""


BUG = "bug "
"""How the ending of a delivery begins that met a bug of ours: it would meet it again."""


class InboxFullError(Exception):
    """More deliveries wait than the operator allows; Gitee should be told to come back."""


@dataclass(slots=True)
class _Arrival:
    delivery: Delivery
    kept: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Inbox:
    """Deliveries by key, in order of arrival."""

    def __init__(self, database: Database, *, capacity: int = 10_000) -> None:
        self._database = database
        self._capacity = capacity
        self._arrivals: list[_Arrival] = []
        self._committing: asyncio.Task[None] | None = None

    async def accept(self, delivery: Delivery) -> bool:
        """Keep a delivery; False if its key is known already.

        Those that arrive while others are being committed share the next commit. Of two that tell one
        event differently one is made up: neither is believed what it claims.
        Raises InboxFullError, RetryLater(STORE_UNAVAILABLE).
        """
        if len(self._arrivals) >= MOST_WAITING:
            raise InboxFullError
        arrival = _Arrival(delivery)
        self._arrivals.append(arrival)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
        return await arrival.kept

    async def _commit(self) -> None:
        try:
            while batch := self._arrivals:
                self._arrivals = []
                await self._keep_all(batch)
        finally:
            self._committing = None

    async def _keep_all(self, batch: list[_Arrival]) -> None:
        try:
            endings = await self._database.run(
                lambda connection: self._keep(connection, [each.delivery for each in batch])
            )
        except BaseException as error:
            for each in batch:
                if not each.kept.done():
                    each.kept.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for each, ending in zip(batch, endings, strict=True):
            if each.kept.done():
                continue  # whoever brought it has hung up
            if isinstance(ending, bool):
                each.kept.set_result(ending)
            else:
                each.kept.set_exception(ending)

    def _keep(self, connection: Connection, batch: Sequence[Delivery]) -> list[bool | InboxFullError]:
        """Keep those that are new, and say of each whether it was."""
        known = _known(connection, {delivery.key for delivery in batch})
        room = self._capacity - _pending_count(connection)
        endings: list[bool | InboxFullError] = []
        fresh: dict[str, Delivery] = {}
        for delivery in batch:
            earlier = known.get(delivery.key) or fresh.get(delivery.key)
            if earlier is not None:
                if _claims(earlier) != _claims(delivery):
                    disputed = replace(earlier, head_sha=None, body_digest=None)
                    (fresh if delivery.key in fresh else known)[delivery.key] = disputed
                    _change(connection, delivery.key, {"data": pack(disputed)})
                endings.append(False)
            elif len(fresh) >= room:
                endings.append(InboxFullError())
            else:
                fresh[delivery.key] = delivery
                endings.append(True)
        inserted = _insert(connection, fresh.values()) if fresh else set()
        return [
            ending if ending is not True else delivery.key in inserted
            for delivery, ending in zip(batch, endings, strict=True)
        ]

    async def due(self, now: datetime, limit: int = 100) -> tuple[tuple[Delivery, int], ...]:
        """Return undecided deliveries whose time has come, oldest first, each with its attempt."""
        statement = (
            select(deliveries.c.data, deliveries.c.attempt)
            .where(_is_due(now))
            .order_by(deliveries.c.sequence)
            .limit(limit)
        )

        def work(connection: Connection) -> tuple[tuple[Delivery, int], ...]:
            return tuple((unpack(Delivery, data), attempt) for data, attempt in connection.execute(statement))

        return await self._database.read(work)

    async def claim(
        self, lease: Lease, now: datetime, limit: int, *, handling: Collection[str] = ()
    ) -> tuple[tuple[Delivery, int], ...]:
        """Take due deliveries into this replica's hands, oldest first, one of each pull request at a time.

        `handling` are the keys that it is at already; what else bears its name was let go by a failure.
        """

        def work(connection: Connection) -> tuple[tuple[Delivery, int], ...]:
            hold(connection, Lock.INBOX)
            busy = _busy(connection, lease, handling)
            chosen: list[tuple[Delivery, int]] = []
            for row in connection.execute(_candidates(now)).mappings():
                pull = (row["repo"].lower(), row["number"])
                if pull in busy or len(chosen) >= limit:
                    continue
                busy.add(pull)
                chosen.append((unpack(Delivery, row["data"]), row["attempt"]))
            keys = [delivery.key for delivery, _ in chosen]
            connection.execute(
                update(deliveries).where(deliveries.c.key.in_(keys)).values(holder=lease.replica)
            )
            return tuple(chosen)

        if not await self.due(now, 1):
            return ()
        return await self._database.run(work)

    async def postpone(self, key: str, due_at: datetime) -> None:
        """Look at it again at `due_at`; counts the attempt."""
        values = {"due_at": due_at, "attempt": deliveries.c.attempt + 1, "holder": None}
        await self._database.run(lambda connection: _change(connection, key, values))

    async def fail(self, key: str, ending: str, at: datetime) -> None:
        """Close a delivery that could not be decided; `ending` says why, for the operator."""
        values = {"state": DeliveryState.FAILED, "ending": ending, "decided_at": at, "holder": None}
        await self._database.run(lambda connection: _change(connection, key, values))

    async def revive(self, key: str, now: datetime) -> bool:
        """Decide a delivery anew that was given up because the world was in trouble; False if it was not."""
        values = {"state": DeliveryState.PENDING, "attempt": 0, "due_at": now, "holder": None, "ending": ""}
        statement = (
            update(deliveries)
            .where(deliveries.c.key == key, _given_up())
            .values(**values)
            .returning(deliveries.c.key)
        )
        return await self._database.run(lambda connection: connection.execute(statement).first() is not None)

    async def wanting(self, keys: Collection[str]) -> frozenset[str]:
        """Return those of these keys whose deliveries never came, or were given up in times of trouble."""
        statement = select(deliveries.c.key).where(deliveries.c.key.in_(keys), ~_given_up())
        return await self._database.read(
            lambda connection: frozenset(keys) - set(connection.execute(statement).scalars())
        )

    async def waiting(self) -> frozenset[tuple[str, int]]:
        """Return the pull requests of which deliveries wait, their repositories in lower case."""
        statement = select(deliveries.c.repo, deliveries.c.number).where(
            deliveries.c.state == DeliveryState.PENDING
        )
        return await self._database.read(
            lambda connection: frozenset(
                (row.repo.lower(), row.number) for row in connection.execute(statement)
            )
        )

    async def forget(self, key: str) -> None:
        """Drop a delivery: what it told was not so, and its key belongs to the true one."""
        statement = delete(deliveries).where(deliveries.c.key == key)
        await self._database.run(lambda connection: connection.execute(statement))


def finish(connection: Connection, key: str, ending: str, lease: Lease, at: datetime) -> None:
    """Close a decided delivery, in the transaction of its decision. Raises LeaseLost."""
    statement = (
        update(deliveries)
        .where(
            deliveries.c.key == key,
            held_by(deliveries.c.holder, lease),
            deliveries.c.state == DeliveryState.PENDING,
        )
        .values(state=DeliveryState.DONE, ending=ending, decided_at=at, holder=None)
        .returning(deliveries.c.sequence)
    )
    if connection.execute(statement).first() is None:
        raise LeaseLost


def _is_due(now: datetime) -> ColumnElement[bool]:
    in_time = or_(deliveries.c.due_at <= now, deliveries.c.due_at > now + LONGEST_WAIT)
    return (deliveries.c.state == DeliveryState.PENDING) & in_time


def _given_up() -> ColumnElement[bool]:
    return (deliveries.c.state == DeliveryState.FAILED) & deliveries.c.ending.not_like(f"{BUG}%")


def _candidates(now: datetime) -> Select[Any]:
    columns = (deliveries.c.repo, deliveries.c.number, deliveries.c.data, deliveries.c.attempt)
    return select(*columns).where(_is_due(now)).order_by(deliveries.c.sequence).limit(1000)


def _busy(connection: Connection, lease: Lease, handling: Collection[str]) -> set[tuple[str, int]]:
    """Return the pull requests at which somebody is."""
    statement = select(deliveries.c.repo, deliveries.c.number, deliveries.c.key, deliveries.c.holder).where(
        deliveries.c.state == DeliveryState.PENDING, ~free(deliveries.c.holder)
    )
    return {
        (row["repo"].lower(), row["number"])
        for row in connection.execute(statement).mappings()
        if row["holder"] != lease.replica or row["key"] in handling
    }


def _change(connection: Connection, key: str, values: Mapping[str, object]) -> None:
    connection.execute(update(deliveries).where(deliveries.c.key == key).values(**values))


def _known(connection: Connection, keys: Collection[str]) -> dict[str, Delivery]:
    statement = select(deliveries.c.key, deliveries.c.data).where(deliveries.c.key.in_(keys))
    return {key: unpack(Delivery, data) for key, data in connection.execute(statement)}


def _claims(delivery: Delivery) -> tuple[str | None, str | None]:
    return delivery.head_sha, delivery.body_digest


def _pending_count(connection: Connection) -> int:
    statement = select(func.count()).where(deliveries.c.state == DeliveryState.PENDING)
    return connection.execute(statement).scalar_one()


def _insert(connection: Connection, fresh: Iterable[Delivery]) -> set[str]:
    """Add new deliveries; return the keys of those that no other replica was faster with."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(deliveries)
        .on_conflict_do_nothing(index_elements=[deliveries.c.key])
        .returning(deliveries.c.key)
    )
    rows = [
        {
            "key": delivery.key,
            "repo": str(delivery.repo),
            "number": delivery.number,
            "state": DeliveryState.PENDING,
            "attempt": 0,
            "ending": "",
            "due_at": delivery.received_at,
            "data": pack(delivery),
        }
        for delivery in fresh
    ]
    return set(connection.execute(statement, rows).scalars())
