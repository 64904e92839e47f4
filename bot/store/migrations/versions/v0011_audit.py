"""Records actions for audits, in a table that the database lets nobody change.

Its rows may be deleted as far as `audit_retention` says. A superuser can drop the triggers; a mistaken
statement, and a bot with a bug, cannot do anything.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

SQLITE = (
    """CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit_records
        BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END""",
    """CREATE TRIGGER audit_kept BEFORE DELETE ON audit_records
        WHEN NOT EXISTS (SELECT 1 FROM audit_retention WHERE OLD.at < before)
        BEGIN SELECT RAISE(ABORT, 'audit records are deleted by retention only'); END""",
    # INSERT OR REPLACE deletes what it replaces without the trigger for that.
    """CREATE TRIGGER audit_not_replaced BEFORE INSERT ON audit_records
        WHEN EXISTS (SELECT 1 FROM audit_records WHERE id = NEW.id)
        OR EXISTS (SELECT 1 FROM audit_records WHERE delivery = NEW.delivery AND position = NEW.position)
        BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END""",
)
POSTGRESQL = (
    """CREATE FUNCTION audit_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'audit records are never changed'; END $$""",
    """CREATE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM audit_retention WHERE OLD.at < before) THEN
                RAISE EXCEPTION 'audit records are deleted by retention only';
            END IF;
            RETURN OLD;
        END $$""",
    """CREATE TRIGGER audit_unchanged BEFORE UPDATE OR TRUNCATE ON audit_records
        FOR EACH STATEMENT EXECUTE FUNCTION audit_unchanged()""",
    """CREATE TRIGGER audit_kept BEFORE DELETE ON audit_records
        FOR EACH ROW EXECUTE FUNCTION audit_kept()""",
)


def upgrade() -> None:
    """Add the tables and their triggers."""
    op.create_table(
        "audit_records",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("sender", sa.String(255), nullable=False),
        sa.Column("result", sa.String(16), nullable=False),
        sa.Column("delivery", sa.String(64)),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.UniqueConstraint("delivery", "position", name="one_audit_record_per_action"),
    )
    op.create_table(
        "audit_retention",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
    )
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
