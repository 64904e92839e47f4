"""Other bots that comment in repositories that this bot serves, one for each repository."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bot.model.forge import RepoPath
from bot.model.other_bot import OtherBot
from bot.store.database import Database
from bot.store.dialects import aware, upsert
from bot.store.schema import other_bots

AGAIN = timedelta(days=7)
"""After which a bot that was not seen in between is news again."""


class OtherBots:
    """The latest other bot in each repository."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, found: OtherBot) -> bool:
        """Record a bot. Returns False if its account is known: anybody can write any name."""
        statement = select(other_bots).where(other_bots.c.repo == str(found.repo)).with_for_update()
        values = {
            "account": found.account,
            "name": found.name,
            "comment_url": found.comment_url,
            "seen_at": found.seen_at,
        }

        def work(connection: Connection) -> bool:
            known = connection.execute(statement).first()
            if known is not None and aware(known.seen_at) >= found.seen_at:
                return False
            upsert(connection, other_bots, {"repo": str(found.repo)}, values)
            return (
                known is None
                or known.account != found.account
                or found.seen_at - aware(known.seen_at) > AGAIN
            )

        return await self._database.run(work)

    async def since(self, moment: datetime) -> tuple[OtherBot, ...]:
        """Return those that were seen since then, by repository."""
        statement = select(other_bots).where(other_bots.c.seen_at >= moment).order_by(other_bots.c.repo)
        return await self._database.read(
            lambda connection: tuple(
                OtherBot(RepoPath.parse(row.repo), row.account, row.name, row.comment_url, aware(row.seen_at))
                for row in connection.execute(statement)
            )
        )
