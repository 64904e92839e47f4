"""Attacks on trust: somebody gets code approved that was not read, keeps it running, or pushes for others.

Each attempt asserts which commits ran, and that a commit which was read is still approved and built.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.model.forge import RepoPath
from bot.model.run import RunState
from bot.settings.model import Settings
from playground import branches, pulls
from playground.api.serializers import ApiSerializer
from playground.state import Comment, Repository, World
from tests.attack.commit_pairs import pair_of_commits
from tests.dialogue.conftest import no_machine_clock, settings, templates_compiled_once, tester
from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_forged_deliveries import claim_comment, send
from tests.dialogue.tester import REPO

__all__ = ["no_machine_clock", "settings", "templates_compiled_once", "tester"]

QUIET = "version: 1\non: {open: [], update: [], close: []}\n"
BUILD_ONLY = "version: 1\non: {open: [build], update: [build]}\n"


def built(scene: OfflineTester) -> list[str]:
    """Return the commits that were built, in order."""
    return [order.labels["chatops.sha"] for order in scene.world.built]


async def approves(scene: OfflineTester, sha: str, by: str = "lin") -> None:
    """Approve a commit with the line of the request, and fail unless exactly this commit is built."""
    before = len(built(scene))
    await scene.comment(f"/ok-to-test {sha}", by)
    await scene.read_all()
    await scene.runs()
    assert set(built(scene)[before:]) == {sha}
    await scene.read_all()


async def moves(scene: OfflineTester, sha: str) -> None:
    """Push a commit to the pull request as the stranger, and read what the bot says."""
    await scene.force_push(sha, by="stranger")
    await scene.read_all()


async def refused(scene: OfflineTester, typed: str, by: str = "lin") -> str:
    """Write a command that must not run anything; return the reply."""
    before = built(scene)
    said = await scene.says(typed, by)
    assert "was not run" in said, said
    assert built(scene) == before
    return said


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
        await tester.restart(permissions={"ok-to-test": "admin"})
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


# Taking approvals back


async def approved(scene: OfflineTester) -> int:
    """Approve the stranger's pull request while its build waits; return the approving comment."""
    await scene.opened_by_stranger()
    scene.world.script.hold("build")
    comment = await scene.comment(f"/ok-to-test {scene.head}")
    await scene.sees("approved commit")
    return comment


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


# Who can have pushed


async def opened_from(scene: OfflineTester, **members: Any) -> str:
    """Open a pull request of mei from her fork, to which these people have access; return the reply."""
    await scene.gitee.fork(REPO, "mei")
    for login, permission in members.items():
        scene.gitee.set_permission("mei/shop", login, permission)
    return await scene.opened("mei", from_fork=True)


async def test_who_may_push_only_to_a_writers_fork_runs_nothing(tester: OfflineTester) -> None:
    said = await opened_from(tester, stranger="write")
    assert "stranger may push to the fork `mei/shop`, but not to this repository." in said
    await tester.push(by="stranger")
    await tester.read_all()
    await refused(tester, "/build", by="mei")
    assert await tester.runs() == []
    await approves(tester, tester.head)


async def test_who_becomes_a_collaborator_of_a_fork_later_runs_nothing(tester: OfflineTester) -> None:
    assert "2 tests passed" in await opened_from(tester)
    honest = tester.head
    tester.gitee.set_permission("mei/shop", "stranger", "admin")
    evil = await tester.push(by="stranger")
    assert f"/ok-to-test {evil}\n" in await tester.read()
    await refused(tester, "/deploy")
    assert set(built(tester)) == {honest}
    await approves(tester, evil)


@pytest.mark.parametrize("members", [{"stranger": "read"}, {"lin": "admin"}, {"lin": "write"}])
async def test_a_fork_that_only_writers_may_push_to_is_trusted(
    tester: OfflineTester, members: dict[str, Any]
) -> None:
    assert "2 tests passed" in await opened_from(tester, **members)


async def test_a_collaborator_of_a_fork_who_loses_write_access_makes_it_untrusted(
    tester: OfflineTester,
) -> None:
    tester.gitee.set_permission(REPO, "stranger", "write")
    assert "2 tests passed" in await opened_from(tester, stranger="write")
    tester.gitee.set_permission(REPO, "stranger", None)
    evil = await tester.push(by="stranger")
    assert f"/ok-to-test {evil}\n" in await tester.read()
    assert evil not in built(tester)


def _moved(scene: OfflineTester, owner: str) -> Repository:
    """Move mei's fork to another namespace."""
    forge = scene.gitee.forge
    fork = forge.world.repositories.pop("mei/shop")
    before, fork.owner = forge.git(fork).path, owner
    after = forge.git(fork).path
    after.parent.mkdir(parents=True, exist_ok=True)
    before.rename(after)
    fork.members["mei"] = "admin"
    forge.world.repositories[fork.full_name.lower()] = fork
    return fork


async def test_a_fork_in_another_namespace_is_not_its_authors_own(tester: OfflineTester) -> None:
    await tester.gitee.fork(REPO, "mei")
    fork = _moved(tester, "meis-club")
    forge, mei = tester.gitee.forge, tester.gitee.forge.user("mei")
    await branches.commit(forge, fork, "cart", {"app.py": "1\n"}, by=mei, message="Cart\n")
    pull = await pulls.open_pull(forge, tester.gitee.repository(REPO), fork, "cart", by=mei, title="Cart")
    tester.number = pull.number
    assert "the fork `meis-club/shop` is not in the namespace of mei" in await tester.read()
    await refused(tester, "/build", by="mei")
    await approves(tester, tester.head)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_fork_whose_collaborators_cannot_be_read_needs_an_approval(
    tester: OfflineTester, status: int
) -> None:
    await tester.gitee.fork(REPO, "mei")
    tester.gitee.faults.add("GET", "/repos/mei/shop(/collaborators)?$", times=99, status=status)
    said = await tester.opened("mei", from_fork=True)
    assert "the bot cannot see who may push to the fork `mei/shop`" in said
    assert "becomes a member of the fork" in said
    await refused(tester, "/build", by="mei")
    tester.gitee.faults.clear()
    await approves(tester, tester.head)


async def test_the_operator_may_trust_namespaces(tester: OfflineTester, settings: Settings) -> None:
    await tester.restart(repos=replace(settings.repos, trust_forks="namespace"))
    assert "2 tests passed" in await opened_from(tester, stranger="write")


async def test_logins_differ_only_in_case(tester: OfflineTester) -> None:
    await tester.gitee.fork(REPO, "mei")
    tester.gitee.repository("mei/shop").owner = "Mei"
    assert "2 tests passed" in await tester.opened("mei", from_fork=True)


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
