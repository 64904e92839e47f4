"""What the store holds, read from outside while bots work on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from bot.model.delivery import DeliveryState
from bot.model.run import Run, RunState
from bot.store.codec import unpack
from bot.store.schema import deliveries, runs


class Ledger:
    """Reads one store; no bot notices."""

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

    def deliveries(self) -> dict[str, str]:
        """Return the state of each delivery by its key."""
        statement = select(deliveries.c.key, deliveries.c.state)
        with self._reading() as connection:
            return {row.key: row.state for row in connection.execute(statement)}

    def quiet(self) -> bool:
        """Whether everything is decided, over and told; a database that is away is not."""
        unfinished = runs.c.state.in_((RunState.QUEUED, RunState.RUNNING)) | (runs.c.shown < runs.c.revision)
        pending = deliveries.c.state == DeliveryState.PENDING
        try:
            with self._reading() as connection:
                left = [
                    connection.execute(select(func.count()).where(condition)).scalar_one()
                    for condition in (unfinished, pending)
                ]
        except OperationalError:
            return False
        return left == [0, 0]
