"""Reads the store from outside while bots work on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Connection, create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from bot.model.delivery import DeliveryState
from bot.model.environment import EnvironmentState
from bot.model.run import Run, RunState
from bot.store.codec import unpack
from bot.store.schema import deliveries, environments, runs

MUCH = 1_000_000

_UNFINISHED = runs.c.state.in_((RunState.QUEUED, RunState.RUNNING))
_PENDING = deliveries.c.state == DeliveryState.PENDING


class Ledger:
    """Reads one store without affecting the bots."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        driver = parsed if parsed.drivername != "postgresql" else parsed.set(drivername="postgresql+psycopg")
        self._engine = create_engine(driver, poolclass=NullPool)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        statement = select(runs.c.data).order_by(runs.c.id)
        with self._reading() as connection:
            return [unpack(Run, data) for data in connection.execute(statement).scalars()]

    def holders(self) -> set[str]:
        """Return the names of the replicas that hold runs."""
        statement = select(runs.c.holder).where(runs.c.holder.is_not(None))
        with self._reading() as connection:
            return set(connection.execute(statement).scalars())

    def deliveries(self) -> dict[str, str]:
        """Return the state of each delivery by its key."""
        statement = select(deliveries.c.key, deliveries.c.state)
        with self._reading() as connection:
            return {row.key: row.state for row in connection.execute(statement)}

    def environments(self) -> set[str]:
        """Return the keys of existing environments, in the form that the fake engine uses."""
        return self._environments(environments.c.state != EnvironmentState.REMOVED)

    def ready(self) -> set[str]:
        """Return the keys of environments that are ready, in the same form."""
        return self._environments(environments.c.state == EnvironmentState.READY)

    def _environments(self, condition: ColumnElement[bool]) -> set[str]:
        with self._reading() as connection:
            found = connection.execute(select(environments).where(condition)).mappings()
            return {f"{row['repo']}!{row['number']} {row['name']}" for row in found}

    def unfinished(self) -> int:
        """Return the number of pending deliveries and unfinished runs; MUCH without the database."""
        try:
            with self._reading() as connection:
                return sum(_count(connection, condition) for condition in (_UNFINISHED, _PENDING))
        except OperationalError:
            return MUCH

    def running(self) -> bool:
        """Return whether a run is running according to the store."""
        return any(run.state is RunState.RUNNING for run in self.runs())

    def idle(self) -> bool:
        """Return whether nothing is pending and all comments are current; False without the database."""
        if self.unfinished():
            return False
        with self._reading() as connection:
            return not _count(connection, runs.c.shown_revision < runs.c.revision)


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).where(condition)).scalar_one()
