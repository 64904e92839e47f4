"""Attacks on order: an approval outlives its revocation, or another commit was the head in between."""

import pytest

from tests.attack.approving import approves, built, moves, refused
from tests.dialogue.conftest import no_machine_clock, settings, templates_compiled_once, tester
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO

__all__ = ["no_machine_clock", "settings", "templates_compiled_once", "tester"]

TWO = """version: 1
on: {open: [], update: [build], close: []}
deploy: {environments: {one: {}, two: {}}}
"""


async def late(scene: OfflineTester, body: str, by: str = "lin") -> int:
    """Write a comment whose webhook does not arrive; return the number of that webhook."""
    scene.gitee.faults.drop_webhooks(1)
    await scene.comment(body, by)
    await scene.gitee.delivered()
    return len(scene.gitee.deliveries) - 1


@pytest.mark.parametrize("how", ["redelivered", "swept"])
@pytest.mark.parametrize("before", [False, True], ids=["nothing approved", "approved twice"])
async def test_an_approval_from_before_a_revocation_comes_late(
    tester: OfflineTester, how: str, *, before: bool
) -> None:
    await tester.opened_by_stranger()
    lost = await late(tester, f"/ok-to-test {tester.head}")
    if before:
        await approves(tester, tester.head, by="mei")
    await tester.comment("/ok-to-test revoke", by="mei")
    await tester.read_all()
    done = built(tester)
    if how == "swept":
        await tester.sweep()
    else:
        tester.gitee.redeliver(lost)
    await tester.read_all()
    assert built(tester) == done
    await refused(tester, "/build", by="stranger")
    await approves(tester, tester.head)


async def test_an_approval_that_gitee_delayed_comes_after_its_revocation(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    tester.gitee.faults.add("GET", "/pulls/1$", times=3, status=502)
    await tester.gitee.comment(REPO, tester.number, f"/ok-to-test {tester.head}", by="lin")
    await tester.gitee.comment(REPO, tester.number, "/ok-to-test revoke", by="lin")
    await tester.read_all()
    await refused(tester, "/build", by="stranger")
    await approves(tester, tester.head)


@pytest.mark.parametrize("how", ["revoke", "edited"])
async def test_a_revocation_beside_a_teardown_removes_the_rest(tester: OfflineTester, how: str) -> None:
    await tester.configure(TWO)
    await tester.open("stranger", from_fork=True)
    comment = await tester.comment(f"/ok-to-test {tester.head}")
    await tester.read_all()
    await tester.comment("/deploy one\n/deploy two")
    await tester.read_all()
    assert len(tester.world.deployed) == 2
    if how == "revoke":
        await tester.comment("/ok-to-test revoke\n/teardown one")
    else:
        await tester.gitee.edit_comment(REPO, comment, "I have to read this again.", by="lin")
        await tester.comment("/teardown one")
    await tester.read_all()
    assert tester.world.deployed == {}


@pytest.mark.parametrize("again", [False, True], ids=["another commit", "the same commit"])
async def test_a_revocation_beside_an_approval_removes_only_other_code(
    tester: OfflineTester, *, again: bool
) -> None:
    await tester.configure(TWO)
    await tester.open("stranger", from_fork=True)
    await tester.comment(f"/ok-to-test {tester.head}\n/deploy one")
    await tester.read_all()
    assert len(tester.world.deployed) == 1
    if not again:
        await tester.push(by="stranger")
    await tester.comment(f"/ok-to-test revoke\n/ok-to-test {tester.head}\n/build")
    await tester.read_all()
    assert len(tester.world.deployed) == again
    assert built(tester)[-1] == tester.head


async def test_a_head_between_two_closings_is_noticed(tester: OfflineTester) -> None:
    """Gitee contradicts every webhook that names it, as the pull request is reopened or closed by then."""
    await tester.opened_by_stranger()
    evil = tester.head
    held = tester.line.hold_request("GET", "/pulls/1$")
    other = await tester.push(by="stranger")
    await held.reached()
    await tester.close(by="stranger")
    asked = tester.line.hold_request("GET", "/pulls/1$")
    held.open()
    await asked.reached()
    await tester.reopen(by="stranger")
    again = tester.line.hold_request("GET", "/pulls/1$")
    asked.open()
    await again.reached()
    await tester.close(by="stranger")
    again.open()
    await tester.read_all()
    home = tester.pull.head_repository
    assert home is not None
    await tester.gitee.forge.git(home).set_ref(f"refs/heads/{tester.pull.head_branch}", evil)
    await tester.reopen(by="stranger")
    await tester.read_all()
    assert tester.head == evil != other
    await refused(tester, "/ok-to-test")
    await approves(tester, evil)


async def test_a_push_without_a_webhook_is_noticed_by_the_one_that_moves_back(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    evil = tester.head
    tester.gitee.faults.drop_webhooks(1)
    await tester.push(by="stranger")
    await moves(tester, evil)
    assert f"`/ok-to-test {evil}`" in await refused(tester, "/ok-to-test")
    await approves(tester, evil)


@pytest.mark.parametrize("how", ["close", "retarget"])
async def test_a_commit_from_between_two_events_is_not_approved(tester: OfflineTester, how: str) -> None:
    await tester.gitee.commit(REPO, "release", {"Dockerfile": "FROM scratch\n"}, by="lin")
    await tester.opened_by_stranger()
    first = tester.head
    await approves(tester, first)
    if how == "close":
        await tester.close(by="stranger")
        await tester.push(by="stranger")
        await tester.reopen(by="stranger")
    else:
        await tester.gitee.retarget(REPO, tester.number, "release", by="stranger")
        await tester.push(by="stranger")
        await tester.gitee.retarget(REPO, tester.number, "master", by="stranger")
    await tester.read_all()
    await refused(tester, "/ok-to-test")
    assert set(built(tester)) == {first}
    await moves(tester, first)
    assert set(built(tester)) == {first}
