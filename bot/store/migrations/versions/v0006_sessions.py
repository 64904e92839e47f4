"""Replaces the replicas that counted heartbeats by those that renew a session.

Earlier versions of the bot cannot use the result: they stop, and release what they held.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Replace the table; none of its rows is a replica that lives by the new rule."""
    op.drop_table("replicas")
    op.create_table(
        "replicas",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column(
            "renewed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.current_timestamp(),
        ),
    )
