"""Migrates a database to this bot's schema: forward only, once, by the replica that starts first.

`schema_version` holds the oldest version of the bot that can work with the tables. It rises only when a
migration renames or removes something, or changes its meaning. After any other migration, replicas of both
versions can share the database, so an upgrade can replace them one by one.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select, update

from bot.store import schema
from bot.store.dialects import hold_schema, is_postgresql
from bot.store.postgresql import OLDEST

MIGRATIONS = Path(__file__).parent / "migrations"


def check(connection: Connection) -> None:
    """Raise RuntimeError unless the tables of this version exist; changes nothing."""
    _required_version(connection)
    missing = [name for name in schema.metadata.tables if not inspect(connection).has_table(name)]
    if missing:
        raise RuntimeError("the store has not been migrated to this version yet: start the bot first")


def migrate(connection: Connection) -> None:
    """Create or change what is missing. Raises RuntimeError if the tables require a newer bot."""
    if is_postgresql(connection):
        _prepare_postgresql(connection)
    hold_schema(connection)
    required = _required_version(connection)
    config = _config(connection)
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in _known_revisions(config):
        return  # A newer bot has migrated the store, and kept everything that this one needs.
    command.upgrade(config, "head")
    if required is None:
        connection.execute(insert(schema.schema_version).values(version=schema.VERSION))
    elif required < schema.VERSION:
        connection.execute(update(schema.schema_version).values(version=schema.VERSION))


def _prepare_postgresql(connection: Connection) -> None:
    version = connection.dialect.server_version_info or ()
    if version < (OLDEST,):
        raise RuntimeError(f"the store needs PostgreSQL {OLDEST} or newer, this one is {version[0]}")
    # A migration may take long, and a loaded machine may stop it for longer than other transactions.
    for limit in (
        "lock_timeout = 0",
        "statement_timeout = 0",
        "idle_in_transaction_session_timeout = '1min'",
    ):
        connection.exec_driver_sql(f"SET LOCAL {limit}")


def _required_version(connection: Connection) -> int | None:
    """Return which version the tables require, None if there are none. Raises RuntimeError if it is newer."""
    if not inspect(connection).has_table(schema.schema_version.name):
        return None
    required = connection.execute(select(schema.schema_version.c.version)).scalar()
    if required is not None and required > schema.VERSION:
        raise RuntimeError(
            f"the store has schema version {required}, this bot knows up to {schema.VERSION}: run a newer bot"
        )
    return required


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _known_revisions(config: Config) -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())
