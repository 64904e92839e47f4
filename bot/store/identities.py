"""The identity of the store. It changes after an older backup was restored."""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from bot.model.store_identity import StoreIdentity
from bot.store.database import Database
from bot.store.dialects import aware
from bot.store.random_ids import STORE_LENGTH, random_id
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

    async def renew(self, expected: str, at: datetime) -> bool:
        """Give the store a new identity. Returns False if another replica has replaced the expected one."""
        newest = select(store_identities.c.id).order_by(store_identities.c.sequence.desc()).limit(1)
        known = select(store_identities.c.id).where(store_identities.c.id == expected).with_for_update()
        values = {"id": random_id(STORE_LENGTH), "created_at": at}

        def work(connection: Connection) -> bool:
            connection.execute(known)  # the others wait here, and then see the new one
            if connection.execute(newest).scalar() != expected:
                return False
            connection.execute(insert(store_identities).values(**values))
            return True

        return await self._database.run(work)
