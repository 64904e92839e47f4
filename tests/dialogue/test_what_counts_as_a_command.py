"""Which comments, and which parts of them, are commands."""

import pytest

from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import BOT, REPO

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"


@pytest.fixture
async def quiet(tester: OfflineTester) -> OfflineTester:
    """Return a tester on a pull request without automatic runs."""
    await tester.configure(IDLE)
    await tester.open()
    await tester.says_nothing()
    return tester


NO_COMMANDS = [
    "```\n/build\n```",
    "    /build",
    "> /build",
    "> lin said:\n> \n> /build",
    "type `/build` to build",
    "<!--\n/build\n-->",
    "<details>\n/build\n</details>",
    "| a |\n|---|\n| /build |",
    "see http://example.com\n//build",
    "and then /build it",
    "/ build",
    "/etc/hosts is a file",
    "/lgtm\n/approve\n/check-cla\n/hold\n/assign @mei",
    "/biuld-everything-at-once",
]


async def test_text_that_only_resembles_a_command_is_ignored(quiet: OfflineTester) -> None:
    for body in NO_COMMANDS:
        await quiet.comment(body)
    await quiet.says_nothing()
    assert await quiet.runs() == []


async def test_near_misses_get_one_hint(quiet: OfflineTester) -> None:
    said = await quiet.says("/biuld\n/depoly\n/lgtm")
    assert said.startswith("@lin There is no command `/biuld`; did you mean `/build`?")
    assert "depoly" not in said
    assert await quiet.runs() == []


async def test_commands_between_other_text_are_executed(quiet: OfflineTester) -> None:
    body = "Looks good to me.\n/build\n\n```\n/deploy\n```\n\n> /test\n"
    assert "Image built" in await quiet.says(body)
    assert [run.plan.names for run in await quiet.runs()] == [("build",)]


async def test_an_edited_comment_never_acts(quiet: OfflineTester) -> None:
    comment = await quiet.comment("looks good")
    await quiet.says_nothing()
    await quiet.gitee.edit_comment(REPO, comment, "/build", by="lin")
    await quiet.says_nothing()
    assert await quiet.runs() == []


async def test_a_comment_that_was_edited_before_it_was_read_never_acts(quiet: OfflineTester) -> None:
    await quiet.stop()
    comment = await quiet.comment("/build")
    await quiet.gitee.delivered()
    await quiet.gitee.edit_comment(REPO, comment, "/deploy", by="lin")
    await quiet.gitee.delivered()
    await quiet.start()
    quiet.gitee.redeliver(-2)
    await quiet.says_nothing()
    assert await quiet.runs() == []


async def test_a_deleted_comment_never_acts(quiet: OfflineTester) -> None:
    await quiet.stop()
    comment = await quiet.comment("/build")
    await quiet.gitee.delete_comment(REPO, comment, by="lin")
    await quiet.gitee.delivered()
    await quiet.start()
    quiet.gitee.redeliver(-2)
    await quiet.says_nothing()
    assert await quiet.runs() == []


async def test_the_bots_own_comments_never_act(quiet: OfflineTester) -> None:
    await quiet.comment("/build", by=BOT)
    assert len(await quiet.read_all()) == 1, "only the comment itself is there"
    assert await quiet.runs() == []


async def test_a_closed_pull_request_runs_no_code_and_answers_status(quiet: OfflineTester) -> None:
    await quiet.says("/deploy")
    await quiet.close()
    assert "The PR is closed or merged, so nothing runs here any more." in await quiet.says("/test")
    assert "Last: #1 passed" in await quiet.says("/status")
    assert "Environment torn down" in await quiet.says("/teardown")
    assert "No environment is running.\n" in await quiet.says("/status")
    assert quiet.world.tags == set()
