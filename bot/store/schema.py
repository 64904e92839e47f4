"""The tables. Columns exist for what is searched or changed on its own; the rest of a value is its JSON.

Schema changes are forward-only: `VERSION` counts them and `migrate` in `database.py` brings an older file up.
"""

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 1

metadata = MetaData()

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

deliveries = Table(
    "deliveries",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("repo", String(255), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("attempt", Integer, nullable=False, default=0),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("ending", Text, nullable=False, default=""),
    Column("data", JSON, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("repo", String(255), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("comment_id", Integer),
    Column("stop", JSON),
    Column("data", JSON, nullable=False),
    Index("runs_by_pull", "repo", "number"),
)

environments = Table(
    "environments",
    metadata,
    Column("repo", String(255), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("host", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("data", JSON, nullable=False),
    UniqueConstraint("host", name="one_environment_per_host"),
)

images = Table(
    "images",
    metadata,
    Column("repo", String(255), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("data", JSON, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("repo", String(255), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sha", String(64), primary_key=True),
    Column("actor", String(255), nullable=False),
    Column("approved_at", DateTime(timezone=True), nullable=False),
)

comments = Table(
    "comments",
    metadata,
    Column("repo", String(255), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("marker", String(255), primary_key=True),
    Column("comment_id", Integer, nullable=False),
    Column("body_digest", String(64), nullable=False, default=""),
)
