"""Comments whose last request got no answer: Gitee may still act on it."""

from datetime import datetime

from sqlalchemy import Update, select, update

from bot.model.forge import RepoPath
from bot.model.lost_answer import LostAnswer
from bot.store.database import Database
from bot.store.dialects import aware
from bot.store.schema import comments


class LostAnswers:
    """What is to be compared with Gitee once more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, lost: LostAnswer) -> None:
        """Record that the request to write a comment got no answer."""
        statement = _changed(lost).values(lost_at=lost.at)
        await self._database.run(lambda connection: connection.execute(statement))

    async def before(self, moment: datetime, limit: int) -> tuple[LostAnswer, ...]:
        """Return those that were lost before this time, oldest first."""
        statement = (
            select(comments).where(comments.c.lost_at < moment).order_by(comments.c.lost_at).limit(limit)
        )
        return await self._database.read(
            lambda connection: tuple(
                LostAnswer(RepoPath.parse(row.repo), row.number, row.marker, aware(row.lost_at))
                for row in connection.execute(statement)
            )
        )

    async def delete(self, lost: LostAnswer) -> None:
        """Record that a comment is as it should be, unless another answer was lost since."""
        statement = _changed(lost).where(comments.c.lost_at == lost.at).values(lost_at=None)
        await self._database.run(lambda connection: connection.execute(statement))


def _changed(lost: LostAnswer) -> Update:
    where = comments.c.repo == str(lost.repo), comments.c.number == lost.number
    return update(comments).where(*where, comments.c.marker == lost.marker)
