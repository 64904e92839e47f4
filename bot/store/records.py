"""The store: all its parts, and the transactions that concern several of them."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Table, func, select
from sqlalchemy.sql import FromClause

from bot.model.audit import AuditRecord
from bot.model.delivery import DeliveryState
from bot.model.environment import Environment, EnvironmentState
from bot.model.lease import Lease
from bot.model.outcome import Decision
from bot.model.run import Run, RunState
from bot.model.store_stats import StoreStats
from bot.store import approvals, audit, deliveries, observed, pull_rows, runs, schema
from bot.store.arrivals import Arrivals
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.deliveries import Inbox
from bot.store.given_up import GivenUp
from bot.store.history import History
from bot.store.identities import Identities
from bot.store.leases import SessionReplicas
from bot.store.lost_answers import LostAnswers
from bot.store.notifications import Notifications
from bot.store.observed import ObservedStates
from bot.store.other_bots import OtherBots
from bot.store.pulls import Pulls
from bot.store.replicas import OnlyReplica, free
from bot.store.runs import Runs


@dataclass(frozen=True, slots=True)
class Store:
    """Everything durable.

    Every method raises RetryLater(STORE_UNAVAILABLE) while the database is unavailable.
    """

    database: Database
    arrivals: Arrivals
    inbox: Inbox
    given_up: GivenUp
    runs: Runs
    pulls: Pulls = field(repr=False)
    lost_answers: LostAnswers = field(repr=False)
    replicas: OnlyReplica | SessionReplicas = field(repr=False)
    notifications: Notifications | None = field(repr=False)
    """None on SQLite, which only this process uses."""
    history: History = field(repr=False)
    observed: ObservedStates = field(repr=False)
    identities: Identities = field(repr=False)
    other_bots: OtherBots = field(repr=False)
    audit: Audit = field(repr=False)

    @classmethod
    async def open(
        cls, url: str, *, lock_url: str = "", inbox_capacity: int = 10_000, others: Sequence[Database] = ()
    ) -> "Store":
        """Connect, migrate the schema, and return the store.

        `lock_url` is for the session of the lease; `others` are databases that belong to this replica too.
        """
        database = Database(url)
        return await cls._on(database, database.migrate(), inbox_capacity, lock_url or url, others)

    @classmethod
    async def visit(cls, url: str) -> "Store":
        """Return the store beside a bot that may have it open. Raises RuntimeError if there is no store."""
        database = Database(url, visiting=True)
        return await cls._on(database, database.check(), 0, url, ())

    @classmethod
    async def _on(
        cls,
        database: Database,
        prepared: Awaitable[None],
        inbox_capacity: int,
        lock_url: str,
        others: Sequence[Database],
    ) -> "Store":
        try:
            await prepared
        except BaseException:
            await database.close()
            raise
        if database.single_process:
            return cls.of(database, OnlyReplica(database), inbox_capacity)
        replicas = SessionReplicas(database, lock_url, others)
        return cls.of(database, replicas, inbox_capacity, Notifications(lock_url))

    @classmethod
    def of(
        cls,
        database: Database,
        replicas: OnlyReplica | SessionReplicas,
        inbox_capacity: int,
        notifications: Notifications | None = None,
    ) -> "Store":
        """Return the store on a database with the tables of this version."""
        return cls(
            database,
            Arrivals(database, capacity=inbox_capacity),
            Inbox(database),
            GivenUp(database),
            Runs(database),
            Pulls(database),
            LostAnswers(database),
            replicas,
            notifications,
            History(database),
            ObservedStates(database),
            Identities(database),
            OtherBots(database),
            Audit(database),
        )

    async def commit(self, decision: Decision, lease: Lease) -> Run | None:
        """Close a delivery and apply its decision in one transaction; return the new run, if there is one.

        Raises LeaseLost if this replica no longer holds the delivery; then nothing is applied.
        """
        repo, number, at = decision.repo, decision.number, decision.at

        def work(connection: Connection) -> Run | None:
            deliveries.finish(connection, decision, lease)
            if decision.stop_request is not None:
                runs.request_stop(connection, decision.stop, decision.stop_request)
            for revoked in decision.revoke:
                approvals.revoke(connection, repo, number, revoked.approval)
            if decision.approve is not None:
                approvals.approve(connection, repo, number, decision.approve)
            for environment, until in decision.extend.items():
                pull_rows.extend(connection, environment, until, at)
            for environment in decision.wake:
                pull_rows.request_wake(connection, environment, at)
            if decision.observed is not None:
                observed.decided(connection, repo, number, decision.observed)
            started = runs.add(connection, decision.start) if decision.start else None
            audit.add(connection, decision.audit, started.id if started else 0)
            return started

        return await self.database.run(work)

    async def start(
        self, run: Run, *, because: Environment | None = None, record: AuditRecord | None = None
    ) -> Run | None:
        """Add a run that no delivery asked for, with its audit record, and return it with its number.

        Returns None if the pull request has an unfinished run, which may already do the same, or if the
        environment that is the reason for the run has changed.
        """

        def work(connection: Connection) -> Run | None:
            # Of several that start a run because of one environment, the first locks it.
            unchanged = because is None or pull_rows.environment(connection, because.key) == because
            idle = runs.idle(connection, run.repo, run.number)
            if not idle or not unchanged:
                return None
            started = runs.add(connection, run)
            audit.add(connection, [record] if record else [], started.id)
            return started

        return await self.database.run(work)

    async def stats(self) -> StoreStats:
        """Count the contents in one transaction."""
        return await self.database.read(_stats)

    async def close(self) -> None:
        """Finish pending transactions and close the database."""
        await self.replicas.close()
        if self.notifications is not None:
            self.notifications.close()
        await self.database.close()


def _stats(connection: Connection) -> StoreStats:
    runs_found, environments = _by_state(connection, schema.runs), _by_state(connection, schema.environments)
    stored = schema.runs.c
    pending = schema.deliveries.c.state == DeliveryState.PENDING
    return StoreStats(
        runs={state: runs_found.get(state, 0) for state in RunState},
        environments={
            state: environments.get(state, 0)
            for state in EnvironmentState
            if state is not EnvironmentState.REMOVED
        },
        waiting=_count(connection, schema.runs, stored.state.in_(runs.UNFINISHED), free(stored.holder)),
        deliveries=_count(connection, schema.deliveries, pending),
        unshown=_count(connection, schema.runs, stored.shown_revision < stored.revision),
        replicas=_count(connection, schema.replicas),
    )


def _by_state(connection: Connection, table: Table) -> dict[str, int]:
    statement = select(table.c.state, func.count()).group_by(table.c.state)
    return {row.state: row[1] for row in connection.execute(statement)}


def _count(connection: Connection, table: FromClause, *conditions: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
