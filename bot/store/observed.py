"""The observed state of each pull request, and how far each repository has been reconciled."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from bot.model.delivery import Delivery
from bot.model.forge import RepoPath
from bot.model.observed import ObservedState, RepositoryCursor
from bot.model.run import Run
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.dialects import upsert
from bot.store.schema import deliveries, environments, observed_states, runs

REPOSITORY = 0
"""Number of the row that holds a repository's cursor; no pull request has it."""


class ObservedStates:
    """Observed states by pull request. Case does not matter in names of repositories, as on Gitee."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, repo: RepoPath, number: int) -> ObservedState | None:
        """Return the observed state of a pull request."""
        data = await self._database.read(lambda connection: _data(connection, repo, number))
        return unpack(ObservedState, data) if data else None

    async def by_pull(self, repos: Collection[RepoPath]) -> Mapping[tuple[RepoPath, int], ObservedState]:
        """Return the observed states in these repositories, under the paths as they are given."""
        known = {_folded(repo): repo for repo in repos}
        statement = select(observed_states).where(
            observed_states.c.number != REPOSITORY, observed_states.c.repo.in_(known)
        )
        return await self._database.read(
            lambda connection: {
                (known[row["repo"]], row["number"]): unpack(ObservedState, row["data"])
                for row in connection.execute(statement).mappings()
            }
        )

    async def record(self, repo: RepoPath, number: int, seen: ObservedState) -> None:
        """Store the state of a pull request, unless an event of it was already decided."""

        def work(connection: Connection) -> None:
            data = _data(connection, repo, number)
            if not data or not unpack(ObservedState, data).head:
                decided(connection, repo, number, seen)

        await self._database.run(work)

    async def cursor(self, repo: RepoPath) -> RepositoryCursor | None:
        """Return how far a repository has been reconciled, None before the first time."""
        data = await self._database.read(lambda connection: _data(connection, repo, REPOSITORY))
        return unpack(RepositoryCursor, data) if data else None

    async def save_cursor(self, repo: RepoPath, cursor: RepositoryCursor) -> None:
        """Store how far a repository has been reconciled."""
        await self._database.run(lambda connection: _put(connection, repo, REPOSITORY, cursor))

    async def repositories(self) -> frozenset[RepoPath]:
        """Return every repository that the store names, in one spelling each."""
        statements = [
            select(table.c.repo).distinct() for table in (observed_states, environments, deliveries, runs)
        ]

        def work(connection: Connection) -> frozenset[RepoPath]:
            paths = [path for statement in statements for path in connection.execute(statement).scalars()]
            return frozenset({path.lower(): RepoPath.parse(path) for path in paths}.values())

        return await self._database.read(work)

    async def known_since(self, repo: RepoPath) -> datetime | None:
        """Return the time of the oldest stored delivery or run of a repository."""
        first_delivery = (
            select(deliveries.c.data)
            .where(func.lower(deliveries.c.repo) == _folded(repo))
            .order_by(deliveries.c.sequence)
            .limit(1)
        )
        first_run = select(runs.c.data).where(func.lower(runs.c.repo) == _folded(repo)).order_by(runs.c.id)

        def work(connection: Connection) -> datetime | None:
            delivery = connection.execute(first_delivery).scalar()
            run = connection.execute(first_run.limit(1)).scalar()
            moments = [unpack(Delivery, delivery).received_at] if delivery else []
            moments += [unpack(Run, run).created_at] if run else []
            return min(moments, default=None)

        return await self._database.read(work)


def decided(connection: Connection, repo: RepoPath, number: int, seen: ObservedState) -> None:
    """Store what a decision observed, in the transaction of the decision."""
    data = _data(connection, repo, number)
    _put(connection, repo, number, unpack(ObservedState, data).then(seen) if data else seen)


def _data(connection: Connection, repo: RepoPath, number: int) -> object:
    statement = select(observed_states.c.data).where(
        observed_states.c.repo == _folded(repo), observed_states.c.number == number
    )
    return connection.execute(statement).scalar()


def _put(
    connection: Connection, repo: RepoPath, number: int, value: ObservedState | RepositoryCursor
) -> None:
    upsert(connection, observed_states, {"repo": _folded(repo), "number": number}, {"data": pack(value)})


def _folded(repo: RepoPath) -> str:
    return str(repo).lower()
