"""Records whose comment a delivery answered, so that answers to people without write access are limited."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a column that older bots leave empty: what they answer does not count."""
    op.add_column("deliveries", sa.Column("stranger", sa.String(255)))
    some = sa.text("stranger IS NOT NULL")
    op.create_index(
        "answers_to_strangers",
        "deliveries",
        ["stranger", "number"],
        sqlite_where=some,
        postgresql_where=some,
    )
