"""The replicas that share this store: their membership, on which every lease depends.

Whatever a replica holds carries its name, and counts as held only while the replica is a member. So deleting
a member releases everything that it held, and prevents it from claiming more. On PostgreSQL, `leases.py` says
when that happens.
"""

from sqlalchemy import ColumnElement, Connection, delete, insert, literal, select

from bot.model.lease import Lease, LeaseLost, Members
from bot.store.database import Database
from bot.store.schema import replicas


def free(holder: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether no member is the holder."""
    return holder.is_(None) | holder.not_in(select(replicas.c.name))


def held_by(holder: ColumnElement[str | None], lease: Lease) -> ColumnElement[bool]:
    """Whether this replica is the holder and still a member."""
    return (holder == lease.replica) & holder.in_(select(replicas.c.name))


def member(lease: Lease) -> ColumnElement[bool]:
    """Whether this replica is still a member."""
    return held_by(literal(lease.replica), lease)


class OnlyReplica:
    """The only member: SQLite has one process, so nothing needs to be renewed and nobody is evicted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def join(self, name: str, before: str = "") -> Lease:  # noqa: ARG002 - all earlier ones are gone
        """Add a replica with a unique name, and delete the earlier ones."""

        def work(connection: Connection) -> Lease:
            connection.execute(delete(replicas))
            connection.execute(insert(replicas).values(name=name))
            return Lease(name)

        return await self._database.run(work)

    async def renew(self, lease: Lease) -> Members:
        """Return the member. Raises LeaseLost if it was deleted."""
        statement = select(replicas.c.name)
        names = await self._database.read(lambda connection: tuple(connection.execute(statement).scalars()))
        if lease.replica not in names:
            raise LeaseLost
        return Members(names)

    async def evict(self, name: str) -> bool:  # noqa: ARG002 - as the protocol says
        """Return False: there is nobody else."""
        return False

    async def leave(self, lease: Lease) -> None:
        """Delete this replica."""
        statement = delete(replicas).where(replicas.c.name == lease.replica)
        await self._database.run(lambda connection: connection.execute(statement))

    async def close(self) -> None:
        """Do nothing: it has no session."""
