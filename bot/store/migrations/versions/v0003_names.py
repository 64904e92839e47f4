"""Names tables, columns and JSON keys as the code does, and drops a column that nothing read.

Earlier versions of the bot cannot use the result.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

COLUMNS = (
    ("replicas", "beat", "heartbeat"),
    ("runs", "begun", "started"),
    ("runs", "removes", "removes_only"),
    ("runs", "shown", "shown_revision"),
    ("runs", "stop", "stop_request"),
)


def upgrade() -> None:
    """Rename and drop; no other value changes."""
    op.rename_table("sightings", "observed_states")
    for table, old, new in COLUMNS:
        # Both databases know this statement; alembic's alter_column would copy the whole table on SQLite.
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    # `comments` has the comment of every run.
    op.execute("ALTER TABLE runs DROP COLUMN comment_id")
    _rename_key("environments", ("repo", "number", "name"), "sleeper", "suspendable_by")


def _rename_key(name: str, key: tuple[str, ...], old: str, new: str) -> None:
    table = sa.table(name, *(sa.column(column) for column in key), sa.column("data", sa.JSON))
    connection = op.get_bind()
    for row in connection.execute(sa.select(table)).mappings().all():
        data = {new if word == old else word: value for word, value in row["data"].items()}
        here = sa.and_(*(table.c[column] == row[column] for column in key))
        connection.execute(sa.update(table).where(here).values(data=data))
