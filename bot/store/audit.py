"""Audit records. They are added in the transactions of what they record, and never changed.

A trigger refuses UPDATE, and DELETE of what no retention has reached: `audit_retention` holds until when
records may be deleted, so that a deletion by hand fails until it says so there.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, or_, select

from bot.core.admission.served import serves
from bot.model.audit import AuditFilter, AuditRecord, AuditResult
from bot.store.codec import pack, unpack
from bot.store.database import Database
from bot.store.dialects import upsert
from bot.store.schema import audit_records, audit_retention

BATCH = 500
"""Records that are read at once."""


class Audit:
    """The audit records, in the order in which they were added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def records(self, wanted: AuditFilter) -> AsyncIterator[AuditRecord]:
        """Yield the records that match, oldest first, without reading all at once."""
        columns = audit_records.c
        matching = select(columns.id, columns.data).where(*_conditions(wanted)).order_by(columns.id)
        after = 0
        while rows := await self._rows(matching.where(columns.id > after).limit(BATCH)):
            for row in rows:
                record = unpack(AuditRecord, row.data)
                if not wanted.repos or serves(wanted.repos, record.repo):
                    yield record
            after = rows[-1].id

    async def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        return await self._database.read(lambda connection: connection.execute(statement).all())

    async def delete(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` records from before this time; return how many."""
        old = select(audit_records.c.id).where(audit_records.c.at < before)
        chosen = old.order_by(audit_records.c.id).limit(limit)

        def work(connection: Connection) -> int:
            ids = connection.execute(chosen).scalars().all()
            if ids:
                upsert(connection, audit_retention, {"id": 1}, {"before": before})
                connection.execute(delete(audit_records).where(audit_records.c.id.in_(ids)))
            return len(ids)

        return await self._database.run(work)


def add(connection: Connection, records: Iterable[AuditRecord], started: int = 0) -> None:
    """Add records in the transaction of what they record; `started` is the run that it started, if any."""
    rows = [_row(record, started) for record in records]
    if rows:
        connection.execute(insert(audit_records), rows)


def _row(record: AuditRecord, started: int) -> dict[str, object]:
    data = pack(record)
    return {
        "at": record.at,
        "number": record.number,
        "who": record.who.lower(),
        "sender": record.sender.lower(),
        "result": record.result,
        "delivery": record.delivery or None,
        "position": record.position,
        "data": {**data, "runs": [run or started for run in record.runs]},
    }


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    columns, who = audit_records.c, wanted.who.lower()
    found: list[ColumnElement[bool]] = []
    if wanted.number is not None:
        found.append(columns.number == wanted.number)
    if who:
        found.append(or_(columns.who == who, columns.sender == who))
    if wanted.since is not None:
        found.append(columns.at >= wanted.since)
    if wanted.until is not None:
        found.append(columns.at < wanted.until)
    if wanted.refused:
        found.append(columns.result == AuditResult.REFUSED)
    return found
