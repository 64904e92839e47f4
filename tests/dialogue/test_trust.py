"""Whose code runs: permissions, approvals and forks."""

import pytest

from bot.core.language.command import PermissionLevel
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO
from tests.fakes.snapshots import policy_of

pytestmark = pytest.mark.attack

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"


async def test_a_stranger_starts_nothing_on_a_public_repository(tester: OfflineTester) -> None:
    await tester.opened()
    for typed in ("/build", "/deploy", "/test", "/retest", "/teardown", "/ok-to-test"):
        said = await tester.says(typed, by="stranger")
        assert f"@stranger `{typed}` was not run. stranger may not run this command" in said
    assert len(await tester.runs()) == 1


async def test_code_of_a_strangers_fork_does_not_run_before_an_approval(tester: OfflineTester) -> None:
    said = await tester.opened_by_stranger()
    assert "Nothing has run yet." in said
    assert f"/ok-to-test {tester.head}\n" in said
    assert f"/team/shop/compare/{tester.pull.base_sha}...{tester.head}>)" in said
    assert "is not trusted yet" in await tester.says("/build", by="lin")
    assert "is not trusted yet" in await tester.says("/deploy", by="mei")
    assert "is not trusted yet" in await tester.says("/test", by="stranger")
    assert "not trusted yet" in await tester.says("/status")
    assert await tester.runs() == []


async def test_approving_a_commit_starts_its_automatic_run(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    said = await tester.says("/ok-to-test", by="mei")
    assert f"mei approved commit `{tester.head[:12]}` by stranger for `master`" in said
    assert "2 tests passed" in await tester.read()


async def test_a_preview_of_an_approved_commit_is_not_one_of_a_member(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    await tester.comment("/ok-to-test")
    await tester.read_all()
    assert [spec.trusted for spec in tester.world.deployed.values()] == [False]


async def test_an_author_cannot_approve_their_own_commit(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    assert "stranger may not run this command" in await tester.says("/ok-to-test", by="stranger")
    tester.gitee.set_permission(REPO, "stranger", "read")
    assert "stranger may not run this command" in await tester.says("/允许测试", by="stranger")
    assert await tester.runs() == []


async def test_a_later_push_ends_the_approval(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    await tester.comment("/ok-to-test")
    await tester.read_all()
    await tester.push(by="stranger")
    assert f"/ok-to-test {tester.head}\n" in await tester.read()
    assert "is not trusted yet" in await tester.says("/build", by="stranger")
    assert len(await tester.runs()) == 1


async def test_moving_back_to_a_trusted_commit_is_trusted(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    await tester.comment("/ok-to-test")
    await tester.read_all()
    trusted = tester.head
    await tester.push(by="stranger")
    await tester.read()
    await tester.force_push(trusted, by="stranger")
    assert "Image built" in await tester.says("/build", by="stranger")
    assert {order.labels["chatops.sha"] for order in tester.world.built} == {trusted}


async def test_moving_back_to_a_trusted_commit_repeats_its_superseded_run(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    trusted = tester.head
    gate = tester.world.script.hold("build")
    await tester.comment("/ok-to-test")
    await gate.reached()
    await tester.push(by="stranger")
    await gate.left()
    await tester.force_push(trusted, by="stranger")
    assert "2 tests passed" in await tester.living(2)
    await tester.read_all()
    assert [run.sha for run in await tester.runs()] == [trusted, trusted]


async def test_a_push_stops_the_run_of_the_commit_that_was_trusted(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    gate = tester.world.script.hold("build")
    await tester.comment("/ok-to-test")
    await gate.reached()
    await tester.push(by="stranger")
    await gate.left()
    await tester.sees("lin approved commit")
    assert "Superseded by a newer commit" in await tester.living(1)
    assert "Nothing has run yet" in await tester.read()


async def test_the_author_of_a_trusted_commit_may_build_and_not_deploy(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open("stranger", from_fork=True)
    await tester.says(f"/ok-to-test {tester.head}")
    assert "Image built" in await tester.says("/build", by="stranger")
    assert "it is for people with write access" in await tester.says("/deploy", by="stranger")
    assert "it is for people with write access" in await tester.says("/teardown", by="stranger")


async def test_read_permission_is_not_write_permission(tester: OfflineTester) -> None:
    tester.gitee.set_permission(REPO, "stranger", "read")
    assert "Nothing has run yet" in await tester.opened_by_stranger()
    await tester.open("mei")
    assert "2 tests passed" in await tester.read()
    assert "may not run this command" in await tester.says("/build", by="stranger")


async def test_permission_is_checked_at_the_time_of_the_command(tester: OfflineTester) -> None:
    await tester.opened()
    assert "may not run this command" in await tester.says("/build", by="stranger")
    tester.gitee.set_permission(REPO, "stranger", "write")
    assert "Image built" in await tester.says("/build", by="stranger")
    tester.gitee.set_permission(REPO, "stranger", None)
    assert "may not run this command" in await tester.says("/build", by="stranger")


async def test_an_author_who_loses_write_permission_loses_trust(tester: OfflineTester) -> None:
    await tester.opened()
    tester.gitee.set_permission(REPO, "mei", "read")
    assert "is not trusted yet" in await tester.says("/build", by="mei")
    assert "is not trusted yet" in await tester.says("/build", by="lin")


async def test_the_operator_may_raise_or_lower_the_required_permission(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    rules = {
        "build": PermissionLevel.ANYONE,
        "deploy": PermissionLevel.ADMIN,
        "ok-to-test": PermissionLevel.ANYONE,
    }
    await tester.restart(permissions=policy_of(rules).entries)
    await tester.open()
    assert "Image built" in await tester.says("/build", by="stranger")
    assert "it is for repository administrators" in await tester.says("/deploy", by="mei")
    assert "Preview ready" in await tester.says("/deploy", by="lin")
    assert "Who may use it: repository administrators." in await tester.says("/help deploy")
    await tester.open("stranger", from_fork=True)
    assert "it is for people with write access" in await tester.says("/ok-to-test", by="stranger")
    assert "is not trusted yet" in await tester.says("/build", by="stranger")


@pytest.mark.parametrize("by", ["mei", "stranger"])
async def test_the_commit_of_a_deleted_fork_needs_an_approval(tester: OfflineTester, by: str) -> None:
    await tester.opened(by, from_fork=True)
    tester.gitee.delete_fork(f"{by}/shop")
    assert "is not trusted yet" in await tester.says("/build", by="lin")
    assert "approved commit" in await tester.says(f"/ok-to-test {tester.head}")
    await tester.living(2 if by == "mei" else 1)


async def test_a_moved_head_is_reported_and_not_built(tester: OfflineTester) -> None:
    await tester.opened()
    seen = tester.head
    await tester.stop()
    await tester.comment("/deploy")
    await tester.gitee.delivered()
    now = await tester.push()
    await tester.gitee.delivered()
    await tester.start()
    tester.gitee.redeliver(-2)
    said = await tester.read()
    assert f"moved on from commit `{seen[:12]}` to `{now[:12]}`" in said
    assert len(await tester.runs()) == 1


async def test_a_commit_that_the_approver_did_not_see_is_not_approved(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    seen = tester.head
    await tester.stop()
    await tester.comment("/ok-to-test")
    await tester.comment(f"/ok-to-test {seen}")
    await tester.gitee.delivered()
    await tester.push(by="stranger")
    await tester.gitee.delivered()
    await tester.start()
    tester.gitee.redeliver(-3)
    tester.gitee.redeliver(-3)
    for said in await tester.read_all():
        assert f"was not run. The branch moved on from commit `{seen[:12]}`" in said
    assert await tester.runs() == []
    assert "is not trusted yet" in await tester.says("/build")
