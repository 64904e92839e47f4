"""What `chatops audit` lists after people and the bot have acted."""

import json
from datetime import timedelta

import pytest
from pydantic import SecretStr

from bot.app.audit import audit_records
from bot.app.reconciling import garbage_collector
from bot.core.auditing import showing
from bot.model.audit import AuditActor, AuditCause, AuditFilter, AuditRecord
from bot.model.errors import TellUser
from bot.model.inventory import Item, ItemKind
from bot.model.reason import Reason
from bot.settings.model import CommentsSettings, RegistrySettings
from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_garbage_collection import LONG_AGO, SHOP
from tests.dialogue.tester import REPO

Told = tuple[str, str, str, str | None, tuple[int, ...]]
HARMLESS = "version: 1\non: {open: [], update: [], close: []}\n"


async def audited(tester: OfflineTester, **wanted: object) -> list[AuditRecord]:
    """Return the audit records, once the bot is idle, whatever it said."""
    await tester.read_all()
    chosen = AuditFilter(**wanted)  # type: ignore[arg-type] # the tests name its fields
    return [record async for record in audit_records(tester.settings, chosen)]


def told(records: list[AuditRecord]) -> list[Told]:
    """Return of each record who did what, with which result, why, and to which runs."""
    return [
        (
            one.who or f"({one.sender})",
            f"{one.action} {one.details}".strip(),
            str(one.result),
            one.reason and str(one.reason),
            one.runs,
        )
        for one in records
    ]


async def test_the_life_of_a_pull_request_is_told(tester: OfflineTester) -> None:
    tester.world.script.fail("build", TellUser(Reason.BUILD_FAILED, {"instruction": "RUN x", "code": "1"}))
    await tester.opened_by_stranger()
    first = tester.head
    await tester.says("/deploy", by="stranger")
    await tester.says(f"/ok-to-test {first}", by="lin")
    await tester.idle()
    second = await tester.push(by="stranger")
    await tester.read_all()
    await tester.says("/help", by="lin")
    await tester.says(f"/ok-to-test {second}", by="mei")
    await tester.idle()
    await tester.merge(by="mei")

    found = await audited(tester)

    assert told(found) == [
        ("stranger", "run", "refused", "not_trusted", ()),
        ("stranger", "deploy", "refused", "not_allowed", ()),
        ("lin", f"ok-to-test {first}", "accepted", None, (1,)),
        ("stranger", "run", "refused", "not_trusted", ()),
        ("mei", f"ok-to-test {second}", "accepted", None, (2,)),
        ("(mei)", "run teardown", "accepted", None, (3,)),
    ]
    assert [one.sha for one in found] == [first] * 3 + [second] * 3
    assert [str(one.cause) for one in found] == ["open", "comment", "comment", "update", "comment", "merge"]
    assert all(len(one.delivery) == 64 and one.position == 0 for one in found)
    assert found[1].facts == {"who": "stranger", "command": "deploy", "level": "write"}


async def test_commands_of_one_comment_have_a_record_each(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.says("/build\n/deploy nowhere\n/extend 1d\n/logs\n/biuld\n/teardown oops=1")
    assert told(await audited(tester, who="LIN")) == [
        ("lin", "build", "accepted", None, (2,)),
        ("lin", "deploy nowhere", "refused", "unknown_environment", ()),
        ("lin", "extend 1d", "accepted", None, ()),
        ("lin", "teardown", "refused", "argument_unknown", ()),
    ]


async def test_stopped_runs_and_revoked_approvals_are_recorded(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    gate = tester.world.script.hold("build")
    await tester.comment("/ok-to-test")
    await gate.reached()
    await tester.says("/ok-to-test revoke", by="mei")
    gate.open()
    assert told(await audited(tester))[1:] == [
        ("lin", "ok-to-test", "accepted", None, (1,)),
        ("mei", "ok-to-test revoke", "accepted", None, ()),
        ("mei", "revoke", "accepted", "approval_revoked", (2,)),
        ("mei", "stop", "accepted", "approval_revoked", (1,)),
    ]


async def test_the_run_that_removes_unapproved_environments_is_recorded(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    await tester.says("/ok-to-test", by="lin")
    await tester.says("/ok-to-test revoke", by="mei")
    await tester.idle()
    assert told(await audited(tester))[2:] == [
        ("mei", "ok-to-test revoke", "accepted", None, ()),
        ("mei", "revoke", "accepted", "approval_revoked", (2,)),
    ]


async def test_superseded_and_cancelled_runs_are_recorded(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.push()
    await tester.sees("Superseded")
    await tester.comment("/cancel")
    gate.open()
    assert told(await audited(tester)) == [
        ("mei", "run build deploy test", "accepted", None, (1,)),
        ("mei", "run build deploy test", "accepted", None, (2,)),
        ("mei", "stop", "accepted", "superseded", (1,)),
        ("lin", "cancel", "accepted", None, (2,)),
    ]


async def test_a_deleted_approval_is_recorded(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    comment = await tester.comment("/ok-to-test")
    await tester.idle()
    await tester.gitee.delete_comment(REPO, comment, by="lin")
    revoked, *_ = [one for one in await audited(tester) if one.action == "revoke"]
    assert (revoked.reason, revoked.facts) == (Reason.APPROVAL_DELETED, {"approved_by": "lin"})


async def test_a_run_that_a_broken_configuration_prevents_is_refused(tester: OfflineTester) -> None:
    await tester.configure("version: 1\nbuild: 7\n")
    await tester.opened()
    await tester.says("/build")
    assert [(one.action, one.reason) for one in await audited(tester, refused=True)] == [
        ("run", Reason.CONFIG_INVALID),
        ("build", Reason.CONFIG_INVALID),
    ]


async def test_commands_that_get_no_answer_are_recorded_as_refused(tester: OfflineTester) -> None:
    await tester.restart(comments=CommentsSettings(strangers="silent"))
    await tester.opened()
    await tester.comment("/build\n/biuld", by="stranger")
    assert told(await audited(tester, who="stranger")) == [
        ("stranger", "build", "refused", "not_allowed", ())
    ]


async def test_what_the_bot_does_by_itself_is_recorded(tester: OfflineTester) -> None:
    await tester.opened()
    tester.world.deployed.clear()
    tester.world.extra_items = [Item(ItemKind.TESTS, "t1", "left", SHOP, 1, "preview", 1, LONG_AGO)]
    await tester.sweep()
    await tester.says("/deploy")
    tester.clock.skip(timedelta(days=4))
    await tester.bot.reconciling.expiry.reconcile()
    own = [one for one in await audited(tester) if not one.delivery]
    assert told(own) == [
        ("()", "remove docker tests left", "done", None, ()),
        ("()", "fail environment preview", "done", "environment_gone", ()),
        ("()", "teardown environment preview", "done", None, (3,)),
    ]
    assert [str(one.cause) for one in own] == ["sweep", "sweep", "expire"]


async def test_what_an_operator_removes_is_recorded_with_their_name(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.close()
    await tester.read_all()
    tester.world.extra_items = [Item(ItemKind.TESTS, "t1", "left", SHOP, 1, "preview", 1, LONG_AGO)]
    tester.world.tags = {"registry.example.com/team/shop:pr-1-12345678"}
    tester.clock.skip(timedelta(hours=1))
    deps, actor = tester.bot.deps, AuditActor(AuditCause.OPERATOR, "root")
    garbage = garbage_collector(
        tester.settings, deps.adapters, deps.store, tester.clock, repaired=lambda _: None, actor=actor
    )
    await garbage.clear(await garbage.find())
    assert told(await audited(tester, who="root")) == [
        ("root", "remove docker tests left", "done", None, ()),
        ("root", "remove 1 registry tags", "done", None, ()),
    ]


async def test_a_delivery_that_is_decided_again_after_a_crash_has_one_record(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.comment("/build")
    await tester.idle()
    tester.gitee.redeliver(-1)
    await tester.restart()
    tester.gitee.redeliver(-1)
    assert told(await audited(tester, who="lin")) == [("lin", "build", "accepted", None, (2,))]


@pytest.mark.attack
async def test_secrets_that_are_typed_in_a_command_are_masked(tester: OfflineTester) -> None:
    secret = "correct-horse-battery"
    await tester.restart(
        registry=RegistrySettings(url="http://registry.example.com", password=SecretStr(secret))
    )
    await tester.opened()
    await tester.says(f"/deploy {secret}")
    await tester.says(f"/deploy env={secret} token={secret}")
    await tester.says(f"/help {secret}")
    found = await audited(tester, who="lin")
    assert [one.details for one in found] == ["***", "", "***"]
    assert secret not in json.dumps([showing.fields(one) for one in found])


@pytest.mark.attack
async def test_hostile_arguments_do_not_reach_the_terminal(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.says("/help \x1b[2J\x07\u202eevil" + "x" * 300)
    await tester.says(f"/deploy {'长' * 400}")
    found = await audited(tester, who="lin")
    assert all(showing.line(one).isprintable() for one in found)
    assert all(len(one.details) <= 200 for one in found)
    assert all(json.dumps(showing.fields(one)).isprintable() for one in found)
