"""The store as its users see it: inbox, runs, pull requests, and the one transaction that they share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from bot.model.forge import RepoPath
from bot.model.run import Run, StopRequest
from bot.store import deliveries, pulls, runs
from bot.store.database import Database
from bot.store.deliveries import Inbox
from bot.store.pulls import Pulls
from bot.store.runs import Runs


@dataclass(frozen=True, slots=True)
class Store:
    """Everything durable."""

    database: Database
    inbox: Inbox
    runs: Runs
    pulls: Pulls = field(repr=False)

    @classmethod
    async def open(cls, url: str, *, inbox_capacity: int = 10_000) -> "Store":
        """Connect, bring the schema up, and return the store."""
        database = Database(url)
        await database.migrate()
        return cls(database, Inbox(database, capacity=inbox_capacity), Runs(database), Pulls(database))

    async def conclude(
        self,
        key: str,
        ending: str,
        *,
        start: Run | None = None,
        stop: Iterable[int] = (),
        request: StopRequest | None = None,
        approve: tuple[RepoPath, int, str, str, datetime] | None = None,
    ) -> Run | None:
        """Close a delivery together with all that it decided, or with nothing of it.

        `start` is added and returned with its number, `stop` flagged with `request`, `approve`
        (repository, number, commit, person, time) remembered.
        """
        stopping = tuple(stop)

        def work(connection: Connection) -> Run | None:
            deliveries.settle(connection, key, ending)
            if request is not None:
                runs.flag(connection, stopping, request)
            if approve is not None:
                repo, number, sha, actor, at = approve
                pulls.approve(connection, repo=repo, number=number, sha=sha, actor=actor, at=at)
            return runs.add(connection, start) if start else None

        return await self.database.run(work)

    async def start(self, run: Run) -> Run:
        """Add a run that no delivery asked for; return it with its number."""
        return await self.database.run(lambda connection: runs.add(connection, run))

    async def close(self) -> None:
        """Finish and close the database."""
        await self.database.close()
