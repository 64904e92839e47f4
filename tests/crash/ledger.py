"""Reads the store from outside while bots work on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, create_engine, func, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from bot.model.audit import AuditRecord
from bot.model.delivery import DeliveryState
from bot.model.environment import EnvironmentState
from bot.model.run import Run, RunState
from bot.store.codec import unpack
from bot.store.dialects import aware
from bot.store.schema import audit_records, comments, deliveries, environments, runs

MUCH = 1_000_000

_UNFINISHED = runs.c.state.in_((RunState.QUEUED, RunState.RUNNING))
_PENDING = deliveries.c.state == DeliveryState.PENDING


class Ledger:
    """Reads one store without affecting the bots."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg").update_query_dict({"connect_timeout": "3"})
        self._engine = create_engine(parsed, poolclass=NullPool)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            yield connection

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        statement = select(runs.c.data).order_by(runs.c.id)
        with self._reading() as connection:
            return [unpack(Run, data) for data in connection.execute(statement).scalars()]

    def audited(self) -> list[AuditRecord]:
        """Return all audit records, oldest first."""
        statement = select(audit_records.c.data).order_by(audit_records.c.id)
        with self._reading() as connection:
            return [unpack(AuditRecord, data) for data in connection.execute(statement).scalars()]

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

    def digests(self) -> dict[int, str]:
        """Return the SHA-256 of the text of each comment by its id."""
        statement = select(comments.c.comment_id, comments.c.body_digest)
        with self._reading() as connection:
            return {row.comment_id: row.body_digest for row in connection.execute(statement)}

    def lost_answers(self) -> list[str]:
        """Return the markers of comments that are to be compared with Gitee after a lost answer."""
        statement = select(comments.c.marker).where(comments.c.lost_at.is_not(None))
        with self._reading() as connection:
            return list(connection.execute(statement).scalars())

    def age_lost_answers(self) -> None:
        """Let recently lost answers be an hour older, once each, so that they are compared now."""
        recent = comments.c.lost_at > datetime.now(UTC) - timedelta(minutes=30)
        with self._engine.begin() as connection:
            for row in connection.execute(select(comments).where(recent)).all():
                this = (comments.c.repo == row.repo, comments.c.marker == row.marker)
                aged = update(comments).where(*this, comments.c.lost_at == row.lost_at)
                connection.execute(aged.values(lost_at=aware(row.lost_at) - timedelta(hours=1)))

    def outdated(self) -> list[int]:
        """Return the runs whose comments show an older revision."""
        statement = select(runs.c.id).where(runs.c.shown_revision < runs.c.revision)
        with self._reading() as connection:
            return list(connection.execute(statement).scalars())

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
        return not self.unfinished() and not self.outdated()


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).where(condition)).scalar_one()
