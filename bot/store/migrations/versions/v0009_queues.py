"""Counts the claims from each queue, so that a replica need not lock a queue to claim from it.

Earlier versions of the bot lock it instead, and do not count. Beside them, limits may be exceeded.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the versions of queues."""
    op.create_table(
        "queues",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
