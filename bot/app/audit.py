"""`chatops audit`: reads the audit records, whether or not a bot is running."""

from collections.abc import AsyncGenerator

from bot.model.audit import AuditFilter, AuditRecord
from bot.settings.model import Settings
from bot.store.records import Store


async def audit_records(settings: Settings, wanted: AuditFilter) -> AsyncGenerator[AuditRecord, None]:
    """Yield the audit records that match, oldest first.

    Raises RuntimeError if there is no store yet, RetryLater while it is unavailable.
    """
    store = await Store.visit(settings.store_url)
    try:
        async for record in store.audit.records(wanted):
            yield record
    finally:
        await store.close()
