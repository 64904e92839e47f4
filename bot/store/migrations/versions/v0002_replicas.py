"""Several replicas on one store: leases, pending comment updates, observed states and run files."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

UNFINISHED = "('queued', 'running')"


def upgrade() -> None:
    """Add the columns and tables. New columns have defaults, because older bots keep inserting rows."""
    _deliveries()
    _runs()
    op.add_column("comments", sa.Column("writer", sa.String(64)))
    op.create_table(
        "replicas",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("beat", sa.Integer, nullable=False),
    )
    op.create_table(
        "sightings",
        sa.Column("repo", sa.String(255), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_table(
        "files",
        sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def _deliveries() -> None:
    op.add_column("deliveries", sa.Column("holder", sa.String(64)))
    op.add_column("deliveries", sa.Column("decided_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE deliveries SET decided_at = CURRENT_TIMESTAMP WHERE state <> 'pending'")


def _runs() -> None:
    op.add_column("runs", sa.Column("holder", sa.String(64)))
    op.add_column("runs", sa.Column("runners", sa.String(255), nullable=False, server_default="docker"))
    op.add_column("runs", sa.Column("begun", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("runs", sa.Column("removes", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("runs", sa.Column("revision", sa.Integer, nullable=False, server_default="1"))
    op.add_column("runs", sa.Column("shown", sa.Integer, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("finished_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE runs SET begun = (state = 'running')")
    op.execute(f"UPDATE runs SET shown = 1, finished_at = CURRENT_TIMESTAMP WHERE state NOT IN {UNFINISHED}")  # noqa: S608 - a constant
