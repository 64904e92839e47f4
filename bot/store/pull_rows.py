"""The rows of environments, changed in the transactions of several parts of the store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from bot.core.environments import idle
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.store.codec import pack, unpack
from bot.store.dialects import insert, upsert
from bot.store.schema import environments


def put(connection: Connection, environment: Environment) -> None:
    """Store an environment, in place of its earlier state."""
    upsert(connection, environments, _key(environment), _rest(environment))


def add(connection: Connection, environment: Environment) -> bool:
    """Store a new environment. Returns False if it, or another one with its host label, is there by now."""
    statement = insert(connection, environments).values(**_key(environment), **_rest(environment))
    added = statement.on_conflict_do_nothing().returning(environments.c.host)
    return connection.execute(added).first() is not None


def environment(connection: Connection, key: EnvironmentKey) -> Environment | None:
    """Return an environment, locked until the transaction ends."""
    statement = select(environments.c.data).where(
        environments.c.repo == str(key.repo),
        environments.c.number == key.number,
        environments.c.name == key.name,
    )
    data = connection.execute(statement.with_for_update()).scalar()
    return unpack(Environment, data) if data else None


def free_host(connection: Connection, key: EnvironmentKey, labels: Sequence[str]) -> str:
    """Return the first of these host labels that no other environment has."""
    taken = select(environments.c.host, environments.c.data).where(environments.c.host.in_(labels))
    others = {host for host, data in connection.execute(taken) if unpack(Environment, data).key != key}
    return next(label for label in labels if label not in others)


def extend(connection: Connection, key: EnvironmentKey, until: datetime, at: datetime) -> None:
    """Extend an environment's life, unless it is removed, in the transaction of the decision."""
    known = environment(connection, key)
    if known and known.state is not EnvironmentState.REMOVED and known.expires_at < until:
        put(connection, replace(known, expires_at=until, extended_at=at))


def request_wake(connection: Connection, key: EnvironmentKey, at: datetime) -> None:
    """Request that an environment wakes, if it is asleep."""
    known = environment(connection, key)
    if known and (changed := idle.wake_requested(known, at)) != known:
        put(connection, changed)


def _key(environment: Environment) -> dict[str, object]:
    key = environment.key
    return {"repo": str(key.repo), "number": key.number, "name": key.name}


def _rest(environment: Environment) -> dict[str, object]:
    return {"host": environment.host, "state": environment.state, "data": pack(environment)}
