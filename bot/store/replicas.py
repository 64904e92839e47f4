"""The replicas on this store: who is a member. A replica that is not a member holds nothing.

No clock is read: a replica increments its heartbeat as long as it lives, and the others watch it grow. What a
replica holds carries its name, and the name counts as long as it is a member. So deleting a member releases
everything that it held, and keeps it from taking more.
"""

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bot.model.lease import Lease, LeaseLost, Members
from bot.store.database import Database
from bot.store.schema import replicas


def free(holder: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether no member holds it."""
    return holder.is_(None) | holder.not_in(select(replicas.c.name))


def held_by(holder: ColumnElement[str | None], lease: Lease) -> ColumnElement[bool]:
    """Whether this replica holds it, and is still a member."""
    return (holder == lease.replica) & holder.in_(select(replicas.c.name))


class Replicas:
    """Leases, by the names of replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def join(self, name: str) -> Lease:
        """Add a replica under a name of its own; on SQLite, with its one process, delete earlier ones."""

        def work(connection: Connection) -> Lease:
            if self._database.alone:
                connection.execute(delete(replicas))
            connection.execute(insert(replicas).values(name=name, heartbeat=0))
            return Lease(name)

        return await self._database.run(work)

    async def heartbeat(self, lease: Lease) -> Members:
        """Increment this replica's heartbeat, and return all members. Raises LeaseLost if it was evicted."""
        mine = (
            update(replicas)
            .where(replicas.c.name == lease.replica)
            .values(heartbeat=replicas.c.heartbeat + 1)
            .returning(replicas.c.heartbeat)
        )
        everyone = select(replicas.c.name, replicas.c.heartbeat).order_by(replicas.c.sequence)

        def work(connection: Connection) -> Members:
            if connection.execute(mine).first() is None:
                raise LeaseLost
            return Members({row.name: row.heartbeat for row in connection.execute(everyone)})

        return await self._database.run(work)

    async def evict(self, name: str, heartbeat: int) -> bool:
        """Delete a stalled replica; False if its heartbeat has grown since, or another replica was faster."""
        statement = (
            delete(replicas)
            .where(replicas.c.name == name, replicas.c.heartbeat == heartbeat)
            .returning(replicas.c.name)
        )
        return await self._database.run(lambda connection: connection.execute(statement).first() is not None)

    async def leave(self, lease: Lease) -> None:
        """Delete this replica: what it still holds can be taken over at once."""
        statement = delete(replicas).where(replicas.c.name == lease.replica)
        await self._database.run(lambda connection: connection.execute(statement))
