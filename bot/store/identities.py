"""The identity of the store. It changes after an older backup was restored."""

from sqlalchemy import select

from bot.model.store_identity import StoreIdentity
from bot.store.database import Database
from bot.store.dialects import aware
from bot.store.schema import store_identities


class Identities:
    """The identity of this store, and its earlier ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def current(self) -> StoreIdentity:
        """Return the identity that the store has now."""
        return (await self.all())[0]

    async def all(self) -> tuple[StoreIdentity, ...]:
        """Return every identity that the store has had, the current one first."""
        statement = select(store_identities).order_by(store_identities.c.sequence.desc())
        return await self._database.read(
            lambda connection: tuple(
                StoreIdentity(row.id, aware(row.created_at)) for row in connection.execute(statement)
            )
        )
