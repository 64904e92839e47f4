"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them."""
    op.create_table("schema_version", sa.Column("version", sa.Integer, nullable=False))
    op.create_table(
        "deliveries",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("repo", sa.String(255), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ending", sa.Text, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("repo", sa.String(255), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("comment_id", sa.Integer),
        sa.Column("stop", sa.JSON),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Index("runs_by_pull", "repo", "number"),
    )
    op.create_table(
        "environments",
        *_pull(),
        sa.Column("name", sa.String(63), primary_key=True),
        sa.Column("host", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.UniqueConstraint("host", name="one_environment_per_host"),
    )
    op.create_table(
        "images",
        *_pull(),
        sa.Column("sha", sa.String(64), primary_key=True),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_table(
        "approvals",
        *_pull(),
        sa.Column("sha", sa.String(64), primary_key=True),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "comments",
        *_pull(),
        sa.Column("marker", sa.String(255), primary_key=True),
        sa.Column("comment_id", sa.Integer, nullable=False),
        sa.Column("body_digest", sa.String(64), nullable=False),
    )


def _pull() -> tuple[sa.Column[str], sa.Column[int]]:
    return (
        sa.Column("repo", sa.String(255), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
    )
