"""The inbox: a delivery is committed here before Gitee hears 200, and leaves it only when it is decided."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.model.delivery import Delivery, DeliveryState
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.schema import deliveries


class InboxFullError(Exception):
    """More deliveries wait than the operator allows; Gitee should be told to come back."""


class Inbox:
    """Deliveries by key, in order of arrival."""

    def __init__(self, database: Database, *, capacity: int = 10_000) -> None:
        self._database = database
        self._capacity = capacity

    async def accept(self, delivery: Delivery) -> bool:
        """Keep a delivery; False if its key is known already. Raises InboxFullError.

        Of two that tell one event differently one is made up: neither is believed what it claims.
        """

        def work(connection: Connection) -> bool:
            known = _known(connection, delivery.key)
            if known is not None:
                if _claims(known) != _claims(delivery):
                    disputed = replace(known, head_sha=None, body_digest=None)
                    _change(connection, delivery.key, {"data": pack(disputed)})
                return False
            if _pending_count(connection) >= self._capacity:
                raise InboxFullError
            return _insert_new(connection, delivery)

        return await self._database.run(work)

    async def due(self, now: datetime, limit: int = 100) -> tuple[tuple[Delivery, int], ...]:
        """Return undecided deliveries whose time has come, oldest first, each with its attempt."""
        statement = (
            select(deliveries.c.data, deliveries.c.attempt)
            .where(deliveries.c.state == DeliveryState.PENDING, deliveries.c.due_at <= now)
            .order_by(deliveries.c.sequence)
            .limit(limit)
        )

        def work(connection: Connection) -> tuple[tuple[Delivery, int], ...]:
            return tuple((unpack(Delivery, data), attempt) for data, attempt in connection.execute(statement))

        return await self._database.read(work)

    async def postpone(self, key: str, due_at: datetime) -> None:
        """Look at it again at `due_at`; counts the attempt."""
        values = {"due_at": due_at, "attempt": deliveries.c.attempt + 1}
        await self._database.run(lambda connection: _change(connection, key, values))

    async def fail(self, key: str, ending: str) -> None:
        """Close a delivery that could not be decided; `ending` says why, for the operator."""
        await self._database.run(
            lambda connection: _change(connection, key, {"state": DeliveryState.FAILED, "ending": ending})
        )

    async def forget(self, key: str) -> None:
        """Drop a delivery: what it told was not so, and its key belongs to the true one."""
        statement = delete(deliveries).where(deliveries.c.key == key)
        await self._database.run(lambda connection: connection.execute(statement))


def settle(connection: Connection, key: str, ending: str) -> None:
    """Close a decided delivery, in the transaction of its decision."""
    _change(connection, key, {"state": DeliveryState.DONE, "ending": ending})


def _change(connection: Connection, key: str, values: dict[str, object]) -> None:
    connection.execute(update(deliveries).where(deliveries.c.key == key).values(**values))


def _known(connection: Connection, key: str) -> Delivery | None:
    data = connection.execute(select(deliveries.c.data).where(deliveries.c.key == key)).scalar()
    return unpack(Delivery, data) if data else None


def _claims(delivery: Delivery) -> tuple[str | None, str | None]:
    return delivery.head_sha, delivery.body_digest


def _pending_count(connection: Connection) -> int:
    statement = select(func.count()).where(deliveries.c.state == DeliveryState.PENDING)
    return connection.execute(statement).scalar_one()


def _insert_new(connection: Connection, delivery: Delivery) -> bool:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(deliveries)
        .values(
            key=delivery.key,
            repo=str(delivery.repo),
            number=delivery.number,
            state=DeliveryState.PENDING,
            due_at=delivery.received_at,
            data=pack(delivery),
        )
        .on_conflict_do_nothing(index_elements=[deliveries.c.key])
        .returning(deliveries.c.sequence)
    )
    return connection.execute(statement).first() is not None
