"""Attacks on approvals that were revoked: nothing that they allowed goes on, and nobody else revokes them."""

import pytest

from bot.model.forge import RepoPath
from bot.model.run import RunState
from tests.attack.approving import approved, approves, built, refused
from tests.dialogue.conftest import no_machine_clock, settings, templates_compiled_once, tester
from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_forged_deliveries import send
from tests.dialogue.tester import REPO

__all__ = ["no_machine_clock", "settings", "templates_compiled_once", "tester"]


async def revoked(scene: OfflineTester, why: str) -> None:
    """Fail unless the approval has ended, the run was stopped, and the commit can be approved again."""
    await scene.idle()
    assert why in await scene.sees("no longer counts")
    assert "Stopping #1" in await scene.sees("no longer counts")
    await scene.read_all()
    assert (await scene.runs())[0].state is RunState.CANCELLED
    assert await scene.bot.store.pulls.approvals(*_here(scene)) == ()
    for typed in ("/build", "/test"):
        await refused(scene, typed, by="stranger")
    await approves(scene, scene.head)


def _here(scene: OfflineTester) -> tuple[RepoPath, int]:
    return RepoPath.parse(REPO), scene.number


async def test_a_revocation_stops_what_runs(tester: OfflineTester) -> None:
    await approved(tester)
    await tester.comment("/ok-to-test revoke", by="mei")
    await revoked(tester, "mei revoked the approval")


async def test_a_revocation_removes_what_is_deployed(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    await approves(tester, tester.head)
    assert tester.world.deployed
    await tester.comment("/ok-to-test 撤回")
    assert "Removing `preview`" in await tester.sees("no longer counts")
    await tester.read_all()
    await tester.runs()
    assert tester.world.deployed == {}
    await tester.read_all()
    await approves(tester, tester.head)


async def test_deleting_the_approving_comment_stops_what_runs(tester: OfflineTester) -> None:
    comment = await approved(tester)
    await tester.gitee.delete_comment(REPO, comment, by="lin")
    await revoked(tester, "The comment in which lin approved this commit was deleted.")


@pytest.mark.parametrize("how", ["deleted", "edited"])
async def test_the_sweep_finds_a_revoked_approval(tester: OfflineTester, how: str) -> None:
    comment = await approved(tester)
    if how == "deleted":
        tester.gitee.faults.drop_webhooks(1)
        await tester.gitee.delete_comment(REPO, comment, by="lin")
    else:
        await tester.gitee.edit_comment(REPO, comment, "I have to read this again.", by="lin")
    await tester.gitee.delivered()
    await tester.sweep()
    await revoked(tester, f"The comment in which lin approved this commit was {how}.")


@pytest.mark.parametrize("how", ["deleted", "edited"])
async def test_the_next_command_finds_a_revoked_approval(tester: OfflineTester, how: str) -> None:
    await tester.opened_by_stranger()
    comment = await tester.comment(f"/ok-to-test {tester.head}")
    await tester.read_all()
    before = len(built(tester))
    tester.gitee.faults.drop_webhooks(1)
    if how == "deleted":
        await tester.gitee.delete_comment(REPO, comment, by="lin")
    else:
        await tester.gitee.edit_comment(REPO, comment, "/ok-to-test", by="lin")
    await tester.comment("/build", by="stranger")
    said = "\n".join(await tester.read_all())
    assert f"approved this commit was {how}." in said
    assert "`/build` was not run" in said
    assert len(built(tester)) == before
    await approves(tester, tester.head)


async def test_a_forged_deletion_takes_nothing_back(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    comment = await tester.comment(f"/ok-to-test {tester.head}")
    await tester.read_all()
    payload = {
        "action": "deleted",
        "noteable_type": "PullRequest",
        "repository": {"path_with_namespace": REPO},
        "comment": {"id": comment, "user": {"login": "lin"}},
        "pull_request": {"number": tester.number, "head": {"sha": tester.head}},
    }
    await send(tester, "Note Hook", payload)
    await tester.says_nothing()
    assert "Image built" in await tester.says("/build", by="stranger")
    await tester.gitee.delete_comment(REPO, comment, by="lin")
    assert "no longer counts" in await tester.read()
    await tester.read_all()


async def test_a_repository_that_the_bot_cannot_see_revokes_nothing(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    comment = await tester.comment(f"/ok-to-test {tester.head}")
    await tester.read_all()
    tester.gitee.faults.add("GET", f"/pulls/(1|comments/{comment})$", times=99, status=404)
    await tester.sweep()
    tester.gitee.faults.clear()
    await tester.sweep()
    await tester.says_nothing()
    assert len(await tester.bot.store.pulls.approvals(*_here(tester))) == 1
    assert "Image built" in await tester.says("/build", by="stranger")
