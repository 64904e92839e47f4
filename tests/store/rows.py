"""Reads rows that the store itself never returns."""

from sqlalchemy import select

from bot.store.records import Store
from bot.store.schema import comments


async def stored_comment(store: Store, marker: str) -> tuple[int, str] | None:
    """Return the id and the body digest of the comment with this marker."""
    statement = select(comments.c.comment_id, comments.c.body_digest).where(comments.c.marker == marker)
    row = await store.database.read(lambda connection: connection.execute(statement).first())
    return (row[0], row[1]) if row else None
