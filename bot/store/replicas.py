"""The replicas on this store: who lives, and what becomes of what the dead had in hand.

No clock is asked: a replica raises a number as long as it lives, and the others watch it grow.
"""

from sqlalchemy import Connection, delete, insert, select, update

from bot.model.lease import Lease, LeaseLost, Roll
from bot.store.database import Database
from bot.store.locking import Lock, hold
from bot.store.schema import comments, deliveries, replicas, runs


class Replicas:
    """Leases, by the names of replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def join(self, name: str) -> Lease:
        """Enter a replica under a name of its own; a store with one process forgets all earlier ones."""

        def work(connection: Connection) -> Lease:
            if self._database.alone:
                for other in connection.execute(select(replicas.c.name)).scalars().all():
                    _bury(connection, other)
                _free(connection, None)
            connection.execute(insert(replicas).values(name=name, beat=0))
            return Lease(name)

        return await self._database.run(work)

    async def beat(self, lease: Lease) -> Roll:
        """Tell the others that this replica lives, and return all. Raises LeaseLost if it was buried."""
        mine = (
            update(replicas)
            .where(replicas.c.name == lease.replica)
            .values(beat=replicas.c.beat + 1)
            .returning(replicas.c.beat)
        )
        everyone = select(replicas.c.name, replicas.c.beat).order_by(replicas.c.sequence)

        def work(connection: Connection) -> Roll:
            if connection.execute(mine).first() is None:
                raise LeaseLost
            return Roll({row.name: row.beat for row in connection.execute(everyone)})

        return await self._database.run(work)

    async def bury(self, name: str, beat: int) -> bool:
        """Give back what a silent replica had in hand; False if it has stirred, or another was faster."""

        def work(connection: Connection) -> bool:
            found = select(replicas.c.beat).where(replicas.c.name == name).with_for_update()
            if connection.execute(found).scalar() != beat:
                return False
            _bury(connection, name)
            return True

        return await self._database.run(work)

    async def leave(self, lease: Lease) -> None:
        """Go in peace: what is still in hand is at once another's to take up."""
        await self._database.run(lambda connection: _bury(connection, lease.replica))


def _bury(connection: Connection, name: str) -> None:
    # The scheduler looks at holders and takes them: it must not do so half-way through.
    hold(connection, Lock.QUEUE)
    connection.execute(delete(replicas).where(replicas.c.name == name))
    _free(connection, name)


def _free(connection: Connection, name: str | None) -> None:
    """Take everything out of one replica's hands; None means whoever's."""
    for column in (runs.c.holder, deliveries.c.holder, comments.c.writer):
        held = column.is_not(None) if name is None else column == name
        connection.execute(update(column.table).where(held).values({column: None}))
