"""Drafts, `[skip ci]` and changes of ignored files start nothing automatically; commands still work."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from bot.model.run import RunState
from playground import state
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO

PATHS = "version: 1\npaths: {ignore: ['**/*.md']}\n"
DOCS = {"docs/readme.md": "hello\n"}


async def nothing_runs(tester: OfflineTester, why: str) -> None:
    """Check that nothing was started, and that /status says why."""
    await tester.says_nothing()
    assert f"Nothing runs automatically for this commit: {why}" in await tester.says("/status")


async def edit(
    tester: OfflineTester, by: str = "mei", *, title: str | None = None, draft: bool | None = None
) -> None:
    """Change the pull request a second after its last change: two changes within one have the same key."""
    later = tester.gitee.pull(REPO, tester.number).updated_at + timedelta(seconds=1)
    with patch.object(state, "now", lambda: later):
        await tester.gitee.edit_pull(REPO, tester.number, title=title, draft=draft, by=by)
        await tester.gitee.delivered()


async def retitle(tester: OfflineTester, title: str) -> None:
    """Change the title of the pull request, as its author."""
    await edit(tester, title=title)


async def ready(tester: OfflineTester) -> None:
    """Mark the draft as ready, as its author."""
    await edit(tester, draft=False)


async def test_marking_a_draft_as_ready_starts_what_was_skipped(tester: OfflineTester) -> None:
    await tester.open(draft=True)
    await nothing_runs(tester, "this PR is a draft")
    await tester.push()
    await nothing_runs(tester, "this PR is a draft")
    await ready(tester)
    assert "2 tests passed" in await tester.read()
    assert [(run.sha, run.origin.trigger) for run in await tester.runs()] == [(tester.head, "update")]
    assert "Nothing runs automatically" not in await tester.says("/status")
    await retitle(tester, "A better cart")
    await tester.says_nothing()


async def test_commands_work_in_a_draft_and_do_not_replace_the_automatic_run(tester: OfflineTester) -> None:
    await tester.open(title="WIP: a cart")
    assert "Image built" in await tester.says("/build")
    await retitle(tester, "A cart")
    assert "2 tests passed" in await tester.read()


async def test_a_draft_that_became_ready_unnoticed_is_found(tester: OfflineTester) -> None:
    await tester.open(draft=True)
    await tester.says_nothing()
    tester.gitee.faults.drop_webhooks(1)
    await ready(tester)
    await tester.says_nothing()
    await tester.sweep()
    assert "2 tests passed" in await tester.read()
    await tester.sweep()
    assert len(await tester.runs()) == 1


async def test_a_draft_that_is_found_by_a_sweep_is_left_alone(tester: OfflineTester) -> None:
    await tester.opened()
    tester.gitee.faults.drop_webhooks(3)
    await tester.open(draft=True)
    await tester.says_nothing()
    await tester.sweep()
    await nothing_runs(tester, "this PR is a draft")
    await tester.sweep()
    await tester.says_nothing()


async def test_drafts_run_where_the_configuration_wants_it(tester: OfflineTester) -> None:
    await tester.configure("version: 1\non: {drafts: true}\n")
    assert "2 tests passed" in await tester.opened(draft=True)


async def test_a_title_skips_automatic_runs_until_it_is_changed(tester: OfflineTester) -> None:
    await tester.open(draft=True)
    await edit(tester, title="Add a cart [skip ci]", draft=False)
    await nothing_runs(tester, "the PR's title says `[skip ci]`")
    await retitle(tester, "Add a cart")
    assert "2 tests passed" in await tester.read()


async def test_the_newest_commit_skips_its_automatic_run(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.push(message="Fix a comment [ci skip]")
    await nothing_runs(tester, "the message of the latest commit says `[skip ci]`")
    assert "2 tests passed" in await tester.says("/test")
    await tester.push(message="Fix another comment")
    assert "2 tests passed" in await tester.read()


async def test_a_skipped_push_leaves_the_running_run_alone(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.push(message="[skip ci] later")
    await tester.gitee.delivered()
    gate.open()
    assert "2 tests passed" in await tester.read()
    assert [run.state for run in await tester.runs()] == [RunState.PASSED]


async def test_a_push_of_ignored_files_starts_nothing(tester: OfflineTester) -> None:
    await tester.configure(PATHS)
    await tester.opened()
    await tester.push(files=DOCS)
    await nothing_runs(tester, "since the last run, only files that `paths`")
    await tester.push(files={"more.md": "hello\n"})
    await nothing_runs(tester, "since the last run, only files that `paths`")
    await tester.push(files={"app.py": "print('more')\n"})
    assert "2 tests passed" in await tester.read()


async def test_a_pull_request_of_ignored_files_starts_nothing(tester: OfflineTester) -> None:
    await tester.configure(PATHS)
    await tester.open(files=DOCS)
    await nothing_runs(tester, "the PR changes only files that `paths`")


async def test_a_push_that_also_takes_code_back_is_run(tester: OfflineTester) -> None:
    await tester.configure(PATHS)
    await tester.opened()
    first = tester.head
    await tester.push(files={"app.py": "print('more')\n"})
    await tester.read()
    await tester.force_push(first)
    await tester.read()
    await tester.push(files=DOCS)
    await tester.says_nothing()
    assert len(await tester.runs()) == 3


async def test_a_push_of_ignored_files_after_a_teardown_is_run(tester: OfflineTester) -> None:
    await tester.configure(PATHS)
    await tester.opened()
    await tester.says("/teardown")
    await tester.push(files=DOCS)
    assert "2 tests passed" in await tester.read()


async def test_closing_a_draft_removes_what_commands_deployed(tester: OfflineTester) -> None:
    await tester.open(draft=True, title="[skip ci] a cart")
    assert "Preview ready" in await tester.says("/deploy")
    await tester.close()
    assert "Environment torn down" in await tester.read()
    assert tester.world.deployed == {}


@pytest.mark.attack
async def test_an_outsider_gains_nothing_by_skipping(tester: OfflineTester) -> None:
    await tester.open("stranger", from_fork=True, title="WIP: free miner")
    await tester.says_nothing()
    await edit(tester, "stranger", title="[skip ci] free miner")
    await tester.says_nothing()
    assert "stranger may not run this command" in await tester.says("/deploy", by="stranger")
    await edit(tester, "stranger", title="A cart")
    assert "/ok-to-test" in await tester.read()
    assert await tester.runs() == []
    assert tester.world.built == []


@pytest.mark.attack
async def test_a_skipped_push_of_an_outsider_ends_what_was_approved(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    gate = tester.world.script.hold("build")
    await tester.comment(f"/ok-to-test {tester.head}")
    await gate.reached()
    await tester.push("stranger", message="[skip ci] and something else")
    await gate.left()
    await tester.read_all()
    assert [run.state for run in await tester.runs()] == [RunState.SUPERSEDED]
    assert "not trusted yet" in await tester.says("/status")


@pytest.mark.attack
async def test_moving_code_into_an_ignored_folder_is_a_change_of_code(tester: OfflineTester) -> None:
    await tester.configure("version: 1\npaths: {ignore: ['docs/']}\n")
    await tester.opened()
    await tester.push(files={"app.py": None, "docs/app.py": "print('hello')\n"})
    assert "2 tests passed" in await tester.read()
