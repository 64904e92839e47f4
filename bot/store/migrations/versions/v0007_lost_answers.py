"""Records when a request to write a comment got no answer, so that its late effect is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add a column that older bots leave empty: they do not look for late effects."""
    op.add_column("comments", sa.Column("lost_at", sa.DateTime(timezone=True)))
