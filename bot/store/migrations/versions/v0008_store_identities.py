"""Gives the store an identity, which tells its comments and environments from those of other stores."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from bot.store.random_ids import STORE_LENGTH, random_id

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the identity. An existing store is at least as old as the oldest time that is stored in it."""
    identities = op.create_table(
        "store_identities",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(16), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.bulk_insert(identities, [{"id": random_id(STORE_LENGTH), "created_at": _oldest()}])


def _oldest() -> datetime:
    now = datetime.now(UTC)
    columns = (("deliveries", "due_at"), ("deliveries", "decided_at"), ("runs", "finished_at"))
    return min(now, *(_earliest(table, column) or now for table, column in columns))


def _earliest(table: str, column: str) -> datetime | None:
    time = sa.column(column, sa.DateTime(timezone=True))
    found: datetime | None = (
        op.get_bind().execute(sa.select(sa.func.min(time)).select_from(sa.table(table))).scalar()
    )
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
