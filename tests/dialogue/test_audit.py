"""What `chatops audit` lists after people and the bot have acted."""

from bot.app.audit import audit_records
from bot.model.audit import AuditFilter, AuditRecord
from tests.dialogue.offline import OfflineTester


async def audited(tester: OfflineTester, wanted: AuditFilter | None = None) -> list[AuditRecord]:
    """Return the audit records, once the bot is idle."""
    await tester.idle()
    return [record async for record in audit_records(tester.settings, wanted or AuditFilter())]


def told(records: list[AuditRecord]) -> list[tuple[object, ...]]:
    """Return of each record who did what, with which result."""
    return [
        (one.who or f"({one.sender})", one.action, str(one.result), one.reason and str(one.reason), one.runs)
        for one in records
    ]


async def test_an_accepted_and_a_refused_command_are_recorded(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.says("/build", by="stranger")
    await tester.says("/build", by="lin")
    found = await audited(tester)
    assert told(found) == [
        ("mei", "run", "accepted", None, (1,)),
        ("stranger", "build", "refused", "not_allowed", ()),
        ("lin", "build", "accepted", None, (2,)),
    ]
    assert {one.sha for one in found} == {tester.head}
