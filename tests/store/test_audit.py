"""Audit records are added with what they record, and are never changed, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.model.audit import AuditCause, AuditFilter, AuditRecord, AuditResult
from bot.model.errors import RetryLater
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.reason import Reason
from bot.store import audit
from bot.store.records import Store
from tests.store.test_store import run
from tests.store.values import NOW, SHA, SHOP, decision, delivery

DAY = timedelta(days=1)
ACCEPTED = AuditRecord(
    NOW,
    SHOP,
    12,
    AuditCause.COMMENT,
    "build",
    AuditResult.ACCEPTED,
    "lin",
    "lin",
    SHA,
    runs=(0,),
    delivery="one",
)
REFUSED = replace(
    ACCEPTED,
    action="deploy",
    result=AuditResult.REFUSED,
    who="Mei",
    sender="",
    details="prod",
    reason=Reason.NOT_ALLOWED,
    facts={"level": "admin"},
    runs=(),
    position=1,
)
OWN = AuditRecord(
    NOW + DAY, RepoPath("team", "cart"), 3, AuditCause.SWEEP, "remove", details="docker image x"
)

REPLACE = (
    "REPLACE INTO audit_records"
    " SELECT id, at, 9, who, sender, result, delivery, position, data FROM audit_records"
)


async def found(store: Store, **wanted: object) -> list[AuditRecord]:
    chosen = AuditFilter(**wanted)  # type: ignore[arg-type] # the tests name its fields
    return [record async for record in store.audit.records(chosen)]


async def put(store: Store, *records: AuditRecord) -> None:
    await store.database.run(lambda connection: audit.add(connection, records))


async def claimed(store: Store, lease: Lease, key: str = "one") -> None:
    await store.arrivals.accept(delivery(key))
    await store.inbox.claim(lease, NOW, 9)


async def test_records_are_added_with_the_run_of_the_decision(store: Store, lease: Lease) -> None:
    await claimed(store, lease)
    started = await store.commit(decision("one", start=run(), audit=(ACCEPTED, REFUSED)), lease)
    assert started is not None
    assert await found(store) == [replace(ACCEPTED, runs=(started.id,)), REFUSED]


async def test_a_delivery_that_is_decided_twice_has_its_records_once(store: Store, lease: Lease) -> None:
    await claimed(store, lease)
    await store.commit(decision("one", audit=(REFUSED,)), lease)
    with pytest.raises(LeaseLost):
        await store.commit(decision("one", audit=(REFUSED,)), lease)
    assert await found(store) == [REFUSED]


async def test_a_replica_that_lost_its_lease_records_nothing(store: Store, lease: Lease) -> None:
    await claimed(store, lease)
    await store.replicas.leave(lease)
    with pytest.raises(LeaseLost):
        await store.commit(decision("one", audit=(REFUSED,)), lease)
    with pytest.raises(LeaseLost):
        await store.pulls.writer(lease).record(OWN)
    assert await found(store) == []


async def test_nothing_is_recorded_if_its_decision_cannot_be_stored(store: Store, lease: Lease) -> None:
    await claimed(store, lease)
    same = replace(REFUSED, position=0)
    with pytest.raises(DBAPIError):
        await store.commit(decision("one", start=run(), audit=(ACCEPTED, same)), lease)
    assert (await found(store), await store.runs.runs()) == ([], ())
    await store.commit(decision("one", audit=(REFUSED,)), lease)


async def test_records_are_filtered(store: Store) -> None:
    await put(store, ACCEPTED, REFUSED, OWN)
    assert await found(store, repos=("team/c*",)) == [OWN]
    assert await found(store, repos=("TEAM/*", "!team/cart"), number=12) == [ACCEPTED, REFUSED]
    assert await found(store, number=3) == [OWN]
    assert await found(store, who="MEI") == [REFUSED]
    assert await found(store, who="lin") == [ACCEPTED]
    assert await found(store, since=NOW + DAY) == [OWN]
    assert await found(store, until=NOW + DAY) == [ACCEPTED, REFUSED]
    assert await found(store, refused=True) == [REFUSED]


async def test_records_are_read_in_batches_and_in_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "BATCH", 3)
    await put(store, *(replace(OWN, details=str(number)) for number in range(7)))
    assert [one.details for one in await found(store)] == list("0123456")


@pytest.mark.attack
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_records SET who = 'mei'",
        "UPDATE audit_records SET data = '{}' WHERE number = 12",
        "DELETE FROM audit_records",
        "DELETE FROM audit_records WHERE who = 'lin'",
        "TRUNCATE audit_records",
        REPLACE,
    ],
)
async def test_the_database_refuses_to_change_records(store: Store, statement: str) -> None:
    await put(store, ACCEPTED, OWN)
    with pytest.raises((DBAPIError, RetryLater)):
        await store.database.run(lambda connection: connection.execute(text(statement)))
    assert await found(store) == [ACCEPTED, OWN]


async def test_old_records_are_deleted_by_retention_alone(store: Store) -> None:
    await put(store, ACCEPTED, REFUSED, OWN)
    assert await store.audit.delete(NOW, 9) == 0
    assert await store.audit.delete(NOW + DAY, 1) == 1
    assert await store.audit.delete(NOW + DAY, 9) == 1
    assert await found(store) == [OWN]
    with pytest.raises(DBAPIError):
        await store.database.run(lambda connection: connection.execute(text("DELETE FROM audit_records")))
    assert await found(store) == [OWN]


async def test_what_a_run_without_a_delivery_leaves(store: Store) -> None:
    started = await store.start(run(), record=replace(OWN, runs=(0,)))
    assert started is not None
    assert await store.start(run(), record=OWN) is None
    assert await found(store) == [replace(OWN, runs=(started.id,))]
