"""Reads and changes rows as the store itself never does."""

from sqlalchemy import delete, insert, select

from bot.model.lease import Lease
from bot.store.records import Store
from bot.store.schema import comments, replicas


async def stored_comment(store: Store, marker: str) -> tuple[int, str] | None:
    """Return the id and the body digest of the comment with this marker."""
    statement = select(comments.c.comment_id, comments.c.body_digest).where(comments.c.marker == marker)
    row = await store.database.read(lambda connection: connection.execute(statement).first())
    return (row[0], row[1]) if row else None


async def join(store: Store, name: str) -> Lease:
    """Add a replica beside the others, also on SQLite."""
    await store.database.run(lambda connection: connection.execute(insert(replicas).values(name=name)))
    return Lease(name)


async def evict(store: Store, name: str) -> None:
    """Delete a replica, whether it lives or not."""
    statement = delete(replicas).where(replicas.c.name == name)
    await store.database.run(lambda connection: connection.execute(statement))
