"""The store as its users see it: inbox, runs, pull requests, and the one transaction that they share."""

from collections.abc import Awaitable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bot.model.environment import Environment
from bot.model.lease import Lease
from bot.model.outcome import Decision
from bot.model.run import Run
from bot.model.store_stats import StoreStats
from bot.store import deliveries, observed, pulls, runs, stats
from bot.store.database import Database
from bot.store.deliveries import Inbox
from bot.store.locking import Lock, hold
from bot.store.observed import ObservedStates
from bot.store.past import Past
from bot.store.pulls import Pulls
from bot.store.replicas import Replicas
from bot.store.runs import Runs


@dataclass(frozen=True, slots=True)
class Store:
    """Everything durable."""

    database: Database
    inbox: Inbox
    runs: Runs
    pulls: Pulls = field(repr=False)
    replicas: Replicas = field(repr=False)
    past: Past = field(repr=False)
    observed: ObservedStates = field(repr=False)

    @classmethod
    async def open(cls, url: str, *, inbox_capacity: int = 10_000) -> "Store":
        """Connect, bring the schema up, and return the store."""
        database = Database(url)
        return await cls._on(database, database.migrate(), inbox_capacity)

    @classmethod
    async def visit(cls, url: str) -> "Store":
        """Return the store of a bot that may run beside; raise RuntimeError where there is none."""
        database = Database(url, visiting=True)
        return await cls._on(database, database.check(), 0)

    @classmethod
    async def _on(cls, database: Database, prepared: Awaitable[None], inbox_capacity: int) -> "Store":
        try:
            await prepared
        except BaseException:
            await database.close()
            raise
        inbox = Inbox(database, capacity=inbox_capacity)
        return cls(
            database,
            inbox,
            Runs(database),
            Pulls(database),
            Replicas(database),
            Past(database),
            ObservedStates(database),
        )

    async def commit(self, decision: Decision, lease: Lease) -> Run | None:
        """Close a delivery together with all that it decided, or with nothing of it; return the new run.

        Raises LeaseLost if this replica does not hold the delivery any more.
        """
        repo, number, at = decision.repo, decision.number, decision.at

        def work(connection: Connection) -> Run | None:
            deliveries.finish(connection, decision.delivery, decision.ending, lease, at)
            if decision.stop_request is not None:
                runs.flag(connection, decision.stop, decision.stop_request)
            if decision.approve:
                pulls.approve(
                    connection, repo=repo, number=number, sha=decision.approve, actor=decision.actor, at=at
                )
            for environment, until in decision.extend.items():
                pulls.extend(connection, environment, until, at)
            for environment in decision.wake:
                pulls.request_wake(connection, environment, at)
            if decision.observed is not None:
                observed.decided(connection, repo, number, decision.observed)
            return runs.add(connection, decision.start) if decision.start else None

        return await self.database.run(work)

    async def start(self, run: Run, *, because: Environment | None = None) -> Run | None:
        """Add a run that no delivery asked for, and return it with its number.

        None where something of its pull request waits or is under way: it may already do the same. None
        too where its reason, an environment's state, is no longer as it was.
        """

        def work(connection: Connection) -> Run | None:
            hold(connection, Lock.QUEUE)
            idle = runs.idle(connection, run.repo, run.number)
            stands = because is None or pulls.environment(connection, because.key) == because
            return runs.add(connection, run) if idle and stands else None

        return await self.database.run(work)

    async def put_to_sleep(self, environment: Environment) -> bool:
        """Keep that an environment sleeps; False where its pull request is busy, or it has changed since."""

        def work(connection: Connection) -> bool:
            hold(connection, Lock.QUEUE)
            key = environment.key
            if not runs.idle(connection, key.repo, key.number):
                return False
            return pulls.mark_asleep(connection, environment)

        return await self.database.run(work)

    async def stats(self) -> StoreStats:
        """Count what is there."""
        return await self.database.read(stats.count)

    async def close(self) -> None:
        """Finish and close the database."""
        await self.database.close()
