"""The tables, as the migrations create them; a test compares the two.

What is searched for or updated on its own is a column. The rest of a value is in its JSON column `data`.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)

VERSION = 4
"""The oldest version of the bot that can work with these tables; see `migrate.py`."""

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
    Column("holder", String(64)),
    Column("decided_at", DateTime(timezone=True)),
    Column("stranger", String(255)),
    Index(
        "answers_to_strangers",
        "stranger",
        "number",
        sqlite_where=text("stranger IS NOT NULL"),
        postgresql_where=text("stranger IS NOT NULL"),
    ),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("repo", String(255), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("stop_request", JSON),
    Column("data", JSON, nullable=False),
    Column("holder", String(64)),
    Column("runners", String(255), nullable=False, server_default="docker"),
    Column("started", Boolean, nullable=False, server_default=false()),
    Column("removes_only", Boolean, nullable=False, server_default=false()),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("shown_revision", Integer, nullable=False, server_default="0"),
    Column("finished_at", DateTime(timezone=True)),
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
    Column("base", String(255), primary_key=True),
    Column("actor", String(255), nullable=False),
    Column("approved_at", DateTime(timezone=True), nullable=False),
    Column("comment_id", BigInteger, nullable=False),
    Column("comment_url", Text, nullable=False),
    Column("body_digest", String(64), nullable=False),
)

comments = Table(
    "comments",
    metadata,
    Column("repo", String(255), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("marker", String(255), primary_key=True),
    Column("comment_id", Integer, nullable=False),
    Column("body_digest", String(64), nullable=False, default=""),
    Column("writer", String(64)),
    Column("lost_at", DateTime(timezone=True)),
)

replicas = Table(
    "replicas",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("renewed_at", DateTime(timezone=True), nullable=False, server_default=func.current_timestamp()),
)

queues = Table(
    "queues",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("version", BigInteger, nullable=False),
)

observed_states = Table(
    "observed_states",
    metadata,
    Column("repo", String(255), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", JSON, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("name", String(255), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

other_bots = Table(
    "other_bots",
    metadata,
    Column("repo", String(255), primary_key=True),
    Column("account", String(255), nullable=False),
    Column("name", String(64), nullable=False),
    Column("comment_url", Text, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)

audit_records = Table(
    "audit_records",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("who", String(255), nullable=False),
    Column("sender", String(255), nullable=False),
    Column("result", String(16), nullable=False),
    Column("delivery", String(64)),
    Column("position", Integer, nullable=False),
    Column("data", JSON, nullable=False),
    UniqueConstraint("delivery", "position", name="one_audit_record_per_action"),
)

audit_retention = Table(
    "audit_retention",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("before", DateTime(timezone=True), nullable=False),
)

store_identities = Table(
    "store_identities",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
