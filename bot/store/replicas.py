"""The replicas on this store: who lives. Whoever is not on the members has nothing in hand.

No clock is asked: a replica raises a number as long as it lives, and the others watch it grow. What one has
in hand bears its name, and that name counts for as long as it is on the members: to take everything out of a
dead replica's hands, and to keep it from taking up more, is to strike its name.
"""

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bot.model.lease import Lease, LeaseLost, Members
from bot.store.database import Database
from bot.store.schema import replicas


def free(holder: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether nobody who lives has it in hand."""
    return holder.is_(None) | holder.not_in(select(replicas.c.name))


def held_by(holder: ColumnElement[str | None], lease: Lease) -> ColumnElement[bool]:
    """Whether this replica has it in hand, and lives for the others."""
    return (holder == lease.replica) & holder.in_(select(replicas.c.name))


class Replicas:
    """Leases, by the names of replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def join(self, name: str) -> Lease:
        """Enter a replica under a name of its own; a store with one process strikes all earlier ones."""

        def work(connection: Connection) -> Lease:
            if self._database.alone:
                connection.execute(delete(replicas))
            connection.execute(insert(replicas).values(name=name, beat=0))
            return Lease(name)

        return await self._database.run(work)

    async def heartbeat(self, lease: Lease) -> Members:
        """Tell the others that this replica lives, and return all. Raises LeaseLost if it was struck."""
        mine = (
            update(replicas)
            .where(replicas.c.name == lease.replica)
            .values(beat=replicas.c.beat + 1)
            .returning(replicas.c.beat)
        )
        everyone = select(replicas.c.name, replicas.c.beat).order_by(replicas.c.sequence)

        def work(connection: Connection) -> Members:
            if connection.execute(mine).first() is None:
                raise LeaseLost
            return Members({row.name: row.beat for row in connection.execute(everyone)})

        return await self._database.run(work)

    async def evict(self, name: str, beat: int) -> bool:
        """Strike a silent replica; False if it has stirred since that beat, or another was faster."""
        statement = (
            delete(replicas)
            .where(replicas.c.name == name, replicas.c.beat == beat)
            .returning(replicas.c.name)
        )
        return await self._database.run(lambda connection: connection.execute(statement).first() is not None)

    async def leave(self, lease: Lease) -> None:
        """Go in peace: what is still in hand is at once another's to take up."""
        statement = delete(replicas).where(replicas.c.name == lease.replica)
        await self._database.run(lambda connection: connection.execute(statement))
