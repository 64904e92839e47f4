"""The store as its users see it: inbox, runs, pull requests, and the one transaction that they share."""

from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from bot.model.environment import Environment, EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.observed import ObservedState
from bot.model.run import Run, StopRequest
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

    async def conclude(
        self,
        key: str,
        ending: str,
        lease: Lease,
        at: datetime,
        *,
        start: Run | None = None,
        stop: Iterable[int] = (),
        request: StopRequest | None = None,
        approve: tuple[RepoPath, int, str, str, datetime] | None = None,
        extend: Mapping[EnvironmentKey, datetime] | None = None,
        wake: Iterable[EnvironmentKey] = (),
        seen: tuple[RepoPath, int, ObservedState] | None = None,
    ) -> Run | None:
        """Close a delivery together with all that it decided, or with nothing of it.

        `start` is added and returned with its number, `stop` flagged with `request`, `approve`
        (repository, number, commit, person, time) and `seen` (repository, number, how it stood) remembered,
        `extend` gives environments a later end, `wake` has those woken that sleep.
        Raises LeaseLost if this replica has the delivery no longer.
        """
        stopping, waking = tuple(stop), tuple(wake)

        def work(connection: Connection) -> Run | None:
            deliveries.settle(connection, key, ending, lease, at)
            if request is not None:
                runs.flag(connection, stopping, request)
            if approve is not None:
                repo, number, sha, actor, approved_at = approve
                pulls.approve(connection, repo=repo, number=number, sha=sha, actor=actor, at=approved_at)
            for environment, until in (extend or {}).items():
                pulls.extend(connection, environment, until, at)
            for environment in waking:
                pulls.rouse(connection, environment, at)
            if seen is not None:
                observed.decided(connection, *seen)
            return runs.add(connection, start) if start else None

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
            return pulls.lull(connection, environment)

        return await self.database.run(work)

    async def stats(self) -> StoreStats:
        """Count what is there."""
        return await self.database.read(stats.count)

    async def close(self) -> None:
        """Finish and close the database."""
        await self.database.close()
