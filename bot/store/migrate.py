"""Brings the tables of a database up to this bot's version: forward only, by whichever replica is first.

`schema_version` holds the oldest version of the bot that can still work with the tables: it rises only where
something is taken away or changes its meaning, so that replicas can be replaced one after the other.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select

from bot.store import schema
from bot.store.locking import Lock, hold

MIGRATIONS = Path(__file__).parent / "migrations"


def check(connection: Connection) -> None:
    """Raise RuntimeError unless the tables are there that this bot needs; changes nothing."""
    _usable(connection)
    missing = [name for name in schema.metadata.tables if not inspect(connection).has_table(name)]
    if missing:
        raise RuntimeError("the store was not brought up to this version yet: start the bot first")


def migrate(connection: Connection) -> None:
    """Make or change what is missing; raise RuntimeError if the tables need a newer bot."""
    hold(connection, Lock.SCHEMA)
    needed = _usable(connection)
    config = _config(connection)
    present = MigrationContext.configure(connection).get_current_revision()
    if present is None and needed is not None:
        command.stamp(config, "0001")  # made before alembic kept count
    elif present is not None and present not in _known(config):
        return  # a newer bot was here first, and left all that this one needs
    command.upgrade(config, "head")
    if needed is None:
        connection.execute(insert(schema.schema_version).values(version=schema.VERSION))


def _usable(connection: Connection) -> int | None:
    """Return which version of the bot the tables need, if any; raise RuntimeError if that is a newer one."""
    needed = _needed(connection)
    if needed is not None and needed > schema.VERSION:
        raise RuntimeError(
            f"the store has schema version {needed}, this bot knows up to {schema.VERSION}: run a newer bot"
        )
    return needed


def _needed(connection: Connection) -> int | None:
    """Return which version of the bot the tables need; None where there are none yet."""
    if not inspect(connection).has_table(schema.schema_version.name):
        return None
    return connection.execute(select(schema.schema_version.c.version)).scalar()


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _known(config: Config) -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())
