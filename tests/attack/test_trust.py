"""Attacks on trust: somebody gets code approved that was not read, keeps it running, or pushes for others.

Each attempt asserts which commits ran, and that a commit which was read is still approved and built.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.core.language.command import PermissionLevel
from bot.model.run import RunState
from bot.settings.model import Settings
from playground.api.serializers import ApiSerializer
from playground.state import Comment, Repository, World
from tests.attack.approving import approved, approves, built, moves, refused
from tests.attack.commit_pairs import pair_of_commits
from tests.dialogue.conftest import no_machine_clock, settings, templates_compiled_once, tester
from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_forged_deliveries import claim_comment
from tests.dialogue.tester import REPO
from tests.fakes.snapshots import policy_of

__all__ = ["no_machine_clock", "settings", "templates_compiled_once", "tester"]

QUIET = "version: 1\non: {open: [], update: [], close: []}\n"
BUILD_ONLY = "version: 1\non: {open: [build], update: [build]}\n"


# Which commit was read


async def test_two_commits_that_share_eight_digits_are_not_one(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    pair = await pair_of_commits(tester, tester.gitee.forge.user("stranger"))
    await moves(tester, pair.good)
    await moves(tester, pair.evil)
    for typed in (pair.good[:8], pair.evil[:8], pair.good[:39]):
        assert f"`/ok-to-test {pair.evil}`" in await refused(tester, f"/ok-to-test {typed}")
    assert "is not the latest commit" in await refused(tester, f"/ok-to-test {pair.good}")
    assert await tester.runs() == []
    await approves(tester, pair.evil)


async def test_the_twin_of_an_approved_commit_does_not_run(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    pair = await pair_of_commits(tester, tester.gitee.forge.user("stranger"))
    await moves(tester, pair.good)
    await approves(tester, pair.good)
    await moves(tester, pair.evil)
    for typed in ("/build", "/deploy", "/test", "/retest"):
        await refused(tester, typed)
    assert set(built(tester)) == {pair.good}
    assert len([one for one in tester.comments() if "Nothing has run yet" in one.body]) == 3


@pytest.mark.parametrize(
    ("digits", "spelling"), [(7, str.lower), (12, str.upper), (39, str.lower)], ids=["7", "12", "39"]
)
async def test_an_abbreviated_id_is_refused(
    tester: OfflineTester, digits: int, spelling: Callable[[str], str]
) -> None:
    await tester.opened_by_stranger()
    said = await refused(tester, f"/ok-to-test {spelling(tester.head[:digits])}")
    assert f"`/ok-to-test {tester.head}`" in said
    await approves(tester, tester.head)


async def test_a_push_between_reading_and_approving_is_noticed(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    evil = await tester.push(by="stranger")
    await tester.read_all()
    assert f"`/ok-to-test {evil}`" in await refused(tester, "/ok-to-test")
    assert await tester.runs() == []
    await approves(tester, evil)


async def test_a_push_that_the_bot_has_not_announced_is_noticed(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    tester.gitee.faults.drop_webhooks(1)
    evil = await tester.push(by="stranger")
    assert f"`/ok-to-test {evil}`" in await refused(tester, "/ok-to-test")
    await approves(tester, evil)


async def test_a_push_back_and_forth_needs_the_whole_id(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    first = tester.head
    await tester.push(by="stranger")
    await tester.read_all()
    await moves(tester, first)
    await refused(tester, "/ok-to-test")
    await approves(tester, first)


async def test_a_push_that_starts_nothing_is_noticed_too(tester: OfflineTester) -> None:
    await tester.configure("version: 1\npaths: {ignore: ['*.md']}\n")
    await tester.open("stranger", from_fork=True, files={"README.md": "Harmless.\n"})
    harmless = tester.head
    await tester.says_nothing()
    evil = await tester.push(by="stranger")
    assert f"/ok-to-test {evil}" in await tester.read()
    await tester.force_push(harmless, by="stranger")
    await tester.says_nothing()
    await moves(tester, evil)
    assert f"`/ok-to-test {evil}`" in await refused(tester, "/ok-to-test")
    await approves(tester, evil)


async def test_an_approval_from_before_the_request_is_for_nothing(tester: OfflineTester) -> None:
    await tester.stop()
    await tester.open("stranger", from_fork=True)
    await tester.comment("/ok-to-test")
    await tester.gitee.delivered()
    await tester.start()
    sent = [str(one.payload["action"]) for one in tester.gitee.deliveries]
    tester.gitee.redeliver(sent.index("open"))
    assert "Nothing has run yet" in await tester.read()
    tester.gitee.redeliver(sent.index("comment"))
    assert f"`/ok-to-test {tester.head}`" in await tester.read()
    assert await tester.runs() == []
    await approves(tester, tester.head)


async def test_a_request_that_an_outside_contributor_wrote_is_none(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    request = tester.comments()[0]
    text = request.body
    await tester.gitee.delete_comment(REPO, request.id, by="lin")
    await tester.comment(text, by="stranger")
    await refused(tester, "/ok-to-test")
    await approves(tester, tester.head)


async def test_without_a_request_the_whole_id_is_needed(tester: OfflineTester) -> None:
    await tester.configure(QUIET)
    await tester.open("stranger", from_fork=True)
    assert f"`/ok-to-test {tester.head}`" in await refused(tester, "/ok-to-test")
    assert "approved commit" in await tester.says(f"/ok-to-test {tester.head}")
    assert "Image built" in await tester.says("/build", by="stranger")


# Who approves


@pytest.mark.parametrize(
    ("typed", "permission"),
    [
        ("/ok-to-test", None),
        ("/允许测试", "read"),
        ("/ok-to-test {sha}", "read"),
        ("/ok-to-test revoke", None),
    ],
)
async def test_an_author_without_write_access_approves_nothing(
    tester: OfflineTester, typed: str, permission: Any
) -> None:
    tester.gitee.set_permission(REPO, "stranger", permission)
    await tester.opened_by_stranger()
    said = await refused(tester, typed.format(sha=tester.head), by="stranger")
    assert "stranger may not run this command" in said
    await approves(tester, tester.head)


@pytest.mark.parametrize("level", ["read", None, "write"])
async def test_an_approver_who_loses_the_right_has_approved_nothing(
    tester: OfflineTester, level: Any
) -> None:
    await tester.opened_by_stranger()
    await approves(tester, tester.head, by="mei")
    if level == "write":
        await tester.restart(permissions=policy_of({"ok-to-test": PermissionLevel.ADMIN}).entries)
    else:
        tester.gitee.set_permission(REPO, "mei", level)
    await tester.comment("/build", by="stranger")
    said = "\n".join(await tester.read_all())
    assert "mei, who approved this commit, may no longer approve." in said
    assert set(built(tester)) == {tester.head}
    assert tester.world.deployed == {}
    await approves(tester, tester.head, by="lin")


async def test_a_comment_that_was_edited_into_an_approval_is_none(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    comment = await tester.comment("Looks good.")
    await tester.gitee.edit_comment(REPO, comment, f"/ok-to-test {tester.head}", by="lin")
    await tester.says_nothing()
    assert await tester.runs() == []
    await approves(tester, tester.head)


# What is approved


async def test_an_approval_is_not_for_another_target_branch(tester: OfflineTester) -> None:
    await tester.gitee.commit(REPO, "release", {"Dockerfile": "FROM scratch\n"}, by="lin")
    await approved(tester)
    await tester.gitee.retarget(REPO, tester.number, "release", by="stranger")
    assert "only for this commit" in await tester.sees("the base branch `release`")
    await tester.read_all()
    assert [run.state for run in await tester.runs()] == [RunState.CANCELLED]
    await refused(tester, "/build", by="stranger")
    await refused(tester, "/ok-to-test")
    await approves(tester, tester.head)


async def test_another_target_branch_is_noticed_without_a_webhook(tester: OfflineTester) -> None:
    await tester.gitee.commit(REPO, "release", {"Dockerfile": "FROM scratch\n"}, by="lin")
    await tester.opened_by_stranger()
    await approves(tester, tester.head)
    tester.gitee.faults.drop_webhooks(1)
    await tester.gitee.retarget(REPO, tester.number, "release", by="stranger")
    for typed in ("/build", "/test"):
        await refused(tester, typed, by="stranger")
    await approves(tester, tester.head)


# Whose configuration counts


async def opened_onto(scene: OfflineTester, branch: str, **how: Any) -> str:
    """Open a pull request of mei onto a branch."""
    scene.number = await scene.gitee.open_pull(
        REPO, f"onto-{branch}", files={"app.py": "1\n"}, by="mei", base_branch=branch, **how
    )
    return await scene.read()


async def test_the_file_of_a_branch_without_a_review_does_not_count(tester: OfflineTester) -> None:
    await tester.gitee.commit(REPO, "mine", {".chatops.yml": BUILD_ONLY}, by="mei")
    said = await opened_onto(tester, "mine")
    assert "2 tests passed" in said
    assert "`.chatops.yml` on `mine` is not used, because that branch is not protected" in said
    assert "uses the version on `master`" in said


async def test_the_file_of_a_protected_branch_counts(tester: OfflineTester) -> None:
    await tester.gitee.commit(REPO, "release", {".chatops.yml": BUILD_ONLY}, by="lin")
    tester.gitee.protect(REPO, "release")
    said = await opened_onto(tester, "release")
    assert "Image built" in said
    assert "is not used" not in said


@pytest.mark.parametrize("branch", ["master", "release"])
async def test_a_tag_with_the_name_of_a_branch_does_not_count(tester: OfflineTester, branch: str) -> None:
    await tester.gitee.commit(REPO, "release", {"README.md": "Released.\n"}, by="lin")
    tester.gitee.protect(REPO, "release")
    evil = await tester.gitee.commit(REPO, "mine", {".chatops.yml": BUILD_ONLY}, by="mei")
    await tester.gitee.tag(REPO, branch, evil)
    assert "2 tests passed" in await opened_onto(tester, branch)


async def test_the_file_of_a_branch_counts_from_its_next_commit_on(tester: OfflineTester) -> None:
    assert "2 tests passed" in await tester.opened()
    await tester.configure(BUILD_ONLY)
    await tester.push()
    assert "Image built" in await tester.read()


async def test_the_operator_may_let_every_base_branch_count(
    tester: OfflineTester, settings: Settings
) -> None:
    await tester.restart(repos=replace(settings.repos, config_from="base"))
    await tester.gitee.commit(REPO, "mine", {".chatops.yml": BUILD_ONLY}, by="mei")
    assert "Image built" in await opened_onto(tester, "mine")


async def test_a_retargeted_pull_request_keeps_the_reviewed_configuration(tester: OfflineTester) -> None:
    await tester.configure(BUILD_ONLY)
    await tester.gitee.commit(REPO, "mine", {".chatops.yml": "version: 1\n"}, by="mei")
    assert "Image built" in await tester.opened()
    await tester.gitee.retarget(REPO, tester.number, "mine", by="mei")
    await tester.push()
    said = await tester.read()
    assert "Image built" in said
    assert "is not used" in said
    assert tester.world.deployed == {}


# Which comment it is


async def test_a_comment_whose_pull_request_is_unknown_runs_nothing(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tester.opened_by_stranger()
    real = ApiSerializer.comment

    def vague(self: ApiSerializer, comment: Comment) -> dict[str, Any]:
        return real(self, comment) | {"pull_request_url": None, "html_url": ""}

    with monkeypatch.context() as patch:
        patch.setattr(ApiSerializer, "comment", vague)
        await tester.comment(f"/ok-to-test {tester.head}")
        await tester.says_nothing()
    assert await tester.runs() == []
    await approves(tester, tester.head)


async def test_a_comment_of_another_repository_runs_nothing(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gitee finds a comment by its id: suppose that it does not look at the repository."""
    await tester.opened_by_stranger()
    other = await tester.gitee.add_repository("stranger/other", {"a": "1"}, members={})
    number = await tester.gitee.open_pull(
        "stranger/other", "x", files={"a": "2"}, by="stranger", title="Anything"
    )
    assert number == tester.number
    elsewhere = await tester.gitee.comment(other.full_name, number, f"/ok-to-test {tester.head}", by="lin")
    found = World.comment

    def anywhere(self: World, _: Repository, comment_id: int) -> Comment | None:
        everywhere = (found(self, one, comment_id) for one in self.repositories.values())
        return next((one for one in everywhere if one is not None), None)

    monkeypatch.setattr(World, "comment", anywhere)
    await claim_comment(tester, elsewhere, tester.head)
    await tester.says_nothing()
    assert await tester.runs() == []
    await approves(tester, tester.head)
