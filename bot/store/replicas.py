"""The replicas that share this store: their membership, on which every lease depends.

No clock is compared. A replica increments its heartbeat while it is alive, and the others watch it grow.
Whatever a replica holds carries its name, and counts as held only while the replica is a member. So deleting
a member releases everything that it held, and prevents it from claiming more.
"""

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bot.model.lease import Lease, LeaseLost, Members
from bot.store.database import Database
from bot.store.schema import replicas


def free(holder: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether no member is the holder."""
    return holder.is_(None) | holder.not_in(select(replicas.c.name))


def held_by(holder: ColumnElement[str | None], lease: Lease) -> ColumnElement[bool]:
    """Whether this replica is the holder and still a member."""
    return (holder == lease.replica) & holder.in_(select(replicas.c.name))


class Replicas:
    """Members by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def join(self, name: str) -> Lease:
        """Add a replica with a unique name. On SQLite, which has one process, delete the earlier ones."""

        def work(connection: Connection) -> Lease:
            if self._database.single_process:
                connection.execute(delete(replicas))
            connection.execute(insert(replicas).values(name=name, heartbeat=0))
            return Lease(name)

        return await self._database.run(work)

    async def heartbeat(self, lease: Lease) -> Members:
        """Increment this replica's heartbeat and return all members. Raises LeaseLost if it was evicted."""
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
        """Delete a stalled replica. Returns False if its heartbeat has grown, or it is already deleted."""
        statement = (
            delete(replicas)
            .where(replicas.c.name == name, replicas.c.heartbeat == heartbeat)
            .returning(replicas.c.name)
        )
        return await self._database.run(lambda connection: connection.execute(statement).first() is not None)

    async def leave(self, lease: Lease) -> None:
        """Delete this replica, so that others can take over at once what it still holds."""
        statement = delete(replicas).where(replicas.c.name == lease.replica)
        await self._database.run(lambda connection: connection.execute(statement))
