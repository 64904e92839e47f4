"""Requests that runs stop, as committing a decision does."""

from collections.abc import Iterable

from bot.model.run import StopRequest
from bot.store import runs
from bot.store.records import Store


async def request_stop(store: Store, ids: Iterable[int], request: StopRequest) -> tuple[int, ...]:
    """Return the runs that this request stops; an earlier request has precedence."""
    chosen = tuple(ids)
    return await store.database.run(lambda connection: runs.request_stop(connection, chosen, request))
