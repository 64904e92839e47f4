"""Puts into a store what tests need there, without a lease."""

from datetime import datetime

from sqlalchemy import update

from bot.model.delivery import DeliveryState
from bot.model.environment import Environment
from bot.model.lease import Lease
from bot.store.records import Store
from bot.store.schema import deliveries, runs


async def put_environment(store: Store, environment: Environment) -> None:
    """Store an environment, in place of its earlier state."""
    await store.pulls.writer(None).reserve_hostname(environment, (environment.host,))


async def fail(store: Store, key: str, ending: str, at: datetime) -> None:
    """Close a delivery as one that could not be decided."""
    values = {"state": DeliveryState.FAILED, "ending": ending, "decided_at": at, "holder": None}
    statement = update(deliveries).where(deliveries.c.key == key).values(**values)
    await store.database.run(lambda connection: connection.execute(statement))


async def hold_run(store: Store, run_id: int, lease: Lease) -> None:
    """Make a replica the holder of a run, even of one that is over."""
    statement = update(runs).where(runs.c.id == run_id).values(holder=lease.replica)
    await store.database.run(lambda connection: connection.execute(statement))


async def hold_delivery(store: Store, key: str, lease: Lease) -> None:
    """Make a replica the holder of a delivery."""
    statement = update(deliveries).where(deliveries.c.key == key).values(holder=lease.replica)
    await store.database.run(lambda connection: connection.execute(statement))
