"""Deliveries that were given up, and are decided if they are sent again or if their cause is gone."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select, update

from bot.model.delivery import Delivery, DeliveryState, GivenUpDelivery
from bot.model.forge import RepoPath
from bot.model.queue import Queue
from bot.model.reason import Reason
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.dialects import aware
from bot.store.notifications import notify
from bot.store.schema import deliveries

BUG = "bug "
"""Prefix of the ending of a delivery that failed because of a bug in the bot, and would fail again."""


def condition() -> ColumnElement[bool]:
    """Return the condition that a delivery was given up, but not because of a bug."""
    return (deliveries.c.state == DeliveryState.FAILED) & deliveries.c.ending.not_like(f"{BUG}%")


class GivenUp:
    """What was given up and has not been taken up again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, limit: int) -> tuple[GivenUpDelivery, ...]:
        """Return the latest deliveries that failed, for whatever reason, newest first."""
        statement = (
            select(deliveries.c.data, deliveries.c.ending, deliveries.c.decided_at)
            .where(deliveries.c.state == DeliveryState.FAILED)
            .order_by(deliveries.c.decided_at.desc())
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(statement).all())
        return tuple(_value(unpack(Delivery, data), ending, aware(at)) for data, ending, at in rows)

    async def invisible(self, since: datetime) -> frozenset[RepoPath]:
        """Return the repositories of which deliveries were given up because the bot could not see them."""
        statement = select(deliveries.c.repo).where(_invisible(since)).distinct()
        return await self._database.read(
            lambda connection: frozenset(map(RepoPath.parse, connection.execute(statement).scalars()))
        )

    async def resume(self, repo: RepoPath, since: datetime, now: datetime) -> int:
        """Make these deliveries of a repository pending again, as if found only now; return how many."""
        found = select(deliveries.c.key, deliveries.c.data).where(
            _invisible(since), func.lower(deliveries.c.repo) == str(repo).lower()
        )
        values = {"state": DeliveryState.PENDING, "attempt": 0, "due_at": now, "ending": ""}

        def work(connection: Connection) -> int:
            rows = connection.execute(found.with_for_update()).all()
            for key, data in rows:
                late = pack(replace(unpack(Delivery, data), found=True))
                changed = update(deliveries).where(deliveries.c.key == key)
                connection.execute(changed.values(**values, decided_at=None, data=late))
            if rows:
                notify(connection, Queue.DELIVERIES)
            return len(rows)

        return await self._database.run(work)


def _invisible(since: datetime) -> ColumnElement[bool]:
    because = deliveries.c.ending.startswith(Reason.REPOSITORY_INVISIBLE, autoescape=True)
    return (deliveries.c.state == DeliveryState.FAILED) & because & (deliveries.c.decided_at >= since)


def _value(delivery: Delivery, ending: str, at: datetime) -> GivenUpDelivery:
    return GivenUpDelivery(delivery.repo, delivery.number, delivery.trigger, at, ending)
