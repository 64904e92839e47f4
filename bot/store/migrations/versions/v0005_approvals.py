"""Stores for which branch and in which comment a commit was approved.

Neither is known of earlier approvals, so that none of them is kept: the bot asks again. Earlier versions of
the bot cannot use the result.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Replace the table: on SQLite, the primary key of a table cannot change."""
    op.drop_table("approvals")
    op.create_table(
        "approvals",
        sa.Column("repo", sa.String(255), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("sha", sa.String(64), primary_key=True),
        sa.Column("base", sa.String(255), primary_key=True),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("comment_id", sa.BigInteger, nullable=False),
        sa.Column("comment_url", sa.Text, nullable=False),
        sa.Column("body_digest", sa.String(64), nullable=False),
    )
