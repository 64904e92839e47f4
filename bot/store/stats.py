"""Counts what is in the store, in one transaction."""

from sqlalchemy import Connection, func, select
from sqlalchemy.sql import ColumnElement, FromClause

from bot.model.delivery import DeliveryState
from bot.model.run import RunState
from bot.model.store_stats import StoreStats
from bot.store.runs import UNFINISHED
from bot.store.schema import deliveries, replicas, runs


def count(connection: Connection) -> StoreStats:
    """Return how much there is of everything."""
    by_state = select(runs.c.state, func.count()).group_by(runs.c.state)
    found = {RunState(state): number for state, number in connection.execute(by_state)}
    return StoreStats(
        runs={state: found.get(state, 0) for state in RunState},
        waiting=_number(connection, runs, runs.c.state.in_(UNFINISHED), runs.c.holder.is_(None)),
        deliveries=_number(connection, deliveries, deliveries.c.state == DeliveryState.PENDING),
        unshown=_number(connection, runs, runs.c.shown_revision < runs.c.revision),
        replicas=_number(connection, replicas),
    )


def _number(connection: Connection, table: FromClause, *conditions: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
