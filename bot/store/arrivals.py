"""New deliveries: they are committed before Gitee gets a 200, those that arrive together at once."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, delete, func, select, update

from bot.core.admission import inbox
from bot.model.delivery import Delivery, DeliveryState
from bot.model.queue import Queue
from bot.store import given_up
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.dialects import insert
from bot.store.notifications import notify
from bot.store.schema import deliveries

MAX_UNCOMMITTED = 4_000
"""Deliveries that may wait for their commit; it bounds the memory that they take."""


class InboxFullError(Exception):
    """More deliveries are pending than fit, in all or of one repository; a later webhook may fit."""


@dataclass(slots=True)
class _Uncommitted:
    delivery: Delivery
    committed: asyncio.Future[bool] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Arrivals:
    """Commits new deliveries, as far as the inbox has room for them."""

    def __init__(self, database: Database, *, capacity: int) -> None:
        self._database = database
        self._capacity = capacity
        self._uncommitted: list[_Uncommitted] = []
        self._committing: asyncio.Task[None] | None = None

    async def accept(self, delivery: Delivery) -> bool:
        """Commit a delivery. Returns False if its key is already known, unless it was given up.

        Deliveries that arrive during a commit share the next one. If two deliveries with the same key claim
        different commits or comment bodies, one of them is forged, and the stored delivery loses these
        claims. Raises InboxFullError, RetryLater(STORE_UNAVAILABLE).
        """
        if len(self._uncommitted) >= MAX_UNCOMMITTED:
            raise InboxFullError
        arrival = _Uncommitted(delivery)
        self._uncommitted.append(arrival)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit())
        return await arrival.committed

    async def _commit(self) -> None:
        try:
            while batch := self._uncommitted:
                self._uncommitted = []
                await self._commit_batch(batch)
        finally:
            self._committing = None

    async def _commit_batch(self, batch: list[_Uncommitted]) -> None:
        try:
            endings = await self._database.run(
                lambda connection: self._insert_new(connection, [each.delivery for each in batch])
            )
        except BaseException as error:
            for each in batch:
                if not each.committed.done():
                    each.committed.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for each, ending in zip(batch, endings, strict=True):
            if each.committed.done():
                continue  # The sender has closed the connection.
            if isinstance(ending, bool):
                each.committed.set_result(ending)
            else:
                each.committed.set_exception(ending)

    def _insert_new(self, connection: Connection, batch: Sequence[Delivery]) -> list[bool | InboxFullError]:
        """Insert the new deliveries of a batch; return for each whether it was new, or the error."""
        known, failed = _known(connection, {delivery.key for delivery in batch})
        pending = _pending_count(connection)
        room, share = self._capacity - pending, inbox.share(self._capacity)
        # No repository can have reached its share while all together have not.
        crowded = pending + len(batch) > share
        counts = _pending_by_repository(connection) if crowded else Counter()
        endings: list[bool | InboxFullError] = []
        fresh: dict[str, Delivery] = {}
        for delivery in batch:
            earlier = known.get(delivery.key) or fresh.get(delivery.key)
            if earlier is not None:
                agreed = _agreed(earlier, delivery)
                if agreed is not earlier:
                    (fresh if delivery.key in fresh else known)[delivery.key] = agreed
                    _store(connection, agreed)
                endings.append(False)
            elif len(fresh) >= room or counts[str(delivery.repo).lower()] >= share:
                endings.append(InboxFullError())
            else:
                counts[str(delivery.repo).lower()] += 1
                fresh[delivery.key] = _agreed(delivery, failed.get(delivery.key, delivery))
                endings.append(True)
        _forget(connection, fresh.keys() & failed.keys())
        inserted = _insert(connection, fresh.values()) if fresh else set()
        if inserted:
            notify(connection, Queue.DELIVERIES)
        return [
            ending if ending is not True else delivery.key in inserted
            for delivery, ending in zip(batch, endings, strict=True)
        ]


def _known(connection: Connection, keys: Collection[str]) -> tuple[dict[str, Delivery], dict[str, Delivery]]:
    """Return the deliveries with these keys: first those that are not decided again, then those given up."""
    statement = select(deliveries.c.key, deliveries.c.data, given_up.condition()).where(
        deliveries.c.key.in_(keys)
    )
    known: tuple[dict[str, Delivery], dict[str, Delivery]] = {}, {}
    for key, data, again in connection.execute(statement):
        known[bool(again)][key] = unpack(Delivery, data)
    return known


def _agreed(delivery: Delivery, other: Delivery) -> Delivery:
    """Return a delivery, without its claims if another one with its key contradicts them."""
    if _claims(delivery) == _claims(other):
        return delivery
    return replace(delivery, head_sha=None, body_digest=None)


def _forget(connection: Connection, keys: Collection[str]) -> None:
    if keys:  # Another replica may have stored it anew since it was read, and decided it.
        connection.execute(delete(deliveries).where(deliveries.c.key.in_(keys), given_up.condition()))


def _store(connection: Connection, delivery: Delivery) -> None:
    values = {"data": pack(delivery)}
    connection.execute(update(deliveries).where(deliveries.c.key == delivery.key).values(**values))


def _claims(delivery: Delivery) -> tuple[str | None, str | None]:
    return delivery.head_sha, delivery.body_digest


def _pending_count(connection: Connection) -> int:
    statement = select(func.count()).where(deliveries.c.state == DeliveryState.PENDING)
    return connection.execute(statement).scalar_one()


def _pending_by_repository(connection: Connection) -> Counter[str]:
    repo = func.lower(deliveries.c.repo)
    statement = select(repo, func.count()).where(deliveries.c.state == DeliveryState.PENDING).group_by(repo)
    return Counter({row[0]: row[1] for row in connection.execute(statement)})


def _insert(connection: Connection, fresh: Iterable[Delivery]) -> set[str]:
    """Insert new deliveries; return the keys of those that no other replica has inserted before."""
    statement = (
        insert(connection, deliveries)
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
