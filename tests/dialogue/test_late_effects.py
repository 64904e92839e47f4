"""What Gitee does long after the bot has given up waiting for its answer."""

import asyncio
from datetime import timedelta

import pytest

from playground.faults import Fault
from tests.dialogue.offline import OfflineTester

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"
COMMENTS = "/pulls/1/comments$"
MINUTES = timedelta(minutes=4)


async def idle_pull(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    await tester.says_nothing()


def late(tester: OfflineTester, method: str, path: str) -> Fault:
    """Let Gitee answer the next such request with 504, and act on it later."""
    return tester.gitee.faults.add(method, path, status=504, late=True)


async def held(tester: OfflineTester, fault: Fault) -> None:
    """Wait until the bot has sent the request."""

    async def sent() -> bool:
        return bool(fault.held)

    await tester.until(sent)


async def checked(tester: OfflineTester) -> None:
    """Wait until nothing more can come, and have the bot compare its comments."""
    await tester.idle()
    tester.clock.skip(MINUTES)
    await tester.bot.reconciling.late_effects.reconcile()
    await tester.idle()


async def test_a_comment_that_is_posted_within_the_timeout_is_not_posted_again(tester: OfflineTester) -> None:
    await idle_pull(tester)
    fault = late(tester, "POST", COMMENTS)
    acting = []
    tester.clock.after(timedelta(seconds=10), lambda: acting.append(asyncio.ensure_future(fault.act())))
    assert "Image built" in await tester.says("/build")
    tester.clock.skip(timedelta(seconds=10))
    await asyncio.gather(*acting)
    assert len(tester.comments()) == 1


async def test_a_comment_that_a_stopped_bot_was_posting_is_not_posted_again(tester: OfflineTester) -> None:
    await idle_pull(tester)
    fault = tester.gitee.faults.add("POST", COMMENTS, late=True, hang=True)
    await tester.comment("/build")
    await held(tester, fault)
    await tester.stop()
    acting = []
    tester.clock.after(timedelta(seconds=10), lambda: acting.append(asyncio.ensure_future(fault.act())))
    await tester.start()
    assert "Image built" in await tester.read()
    tester.clock.skip(timedelta(seconds=10))
    await asyncio.gather(*acting)
    assert len(tester.comments()) == 1


@pytest.mark.parametrize(("command", "words"), [("/build", "Image built"), ("/help", "/deploy [env]")])
async def test_two_comments_are_folded_into_the_older_one(
    tester: OfflineTester, command: str, words: str
) -> None:
    await idle_pull(tester)
    fault = late(tester, "POST", COMMENTS)
    assert words in await tester.says(command)
    await fault.act()
    older, later = tester.comments()
    await checked(tester)
    assert [one.id for one in tester.comments()] == [older.id]
    assert words in tester.comments()[0].body
    assert later.deleted


async def test_of_two_comments_the_recorded_one_stays(tester: OfflineTester) -> None:
    await idle_pull(tester)
    twice = tester.gitee.faults.add("POST", COMMENTS, status=502, after=True, late=True)
    await tester.comment("/help")
    await held(tester, twice)
    await twice.act()
    for _ in range(2):
        assert "/deploy [env]" in await tester.read()
    older, later = tester.comments()
    edits = tester.gitee.faults.add("PATCH", "/pulls/comments/", times=100, status=503)
    await checked(tester)
    assert [one.id for one in tester.comments()] == [later.id], "it alone has the text that is recorded"
    assert older.deleted
    assert edits.hits == 0


async def test_a_comment_that_may_not_be_deleted_leads_to_the_older_one(tester: OfflineTester) -> None:
    await idle_pull(tester)
    fault = late(tester, "POST", COMMENTS)
    assert "Image built" in await tester.says("/build")
    await fault.act()
    tester.gitee.faults.add("DELETE", "/pulls/comments/", status=403)
    await checked(tester)
    older, later = tester.comments()
    assert "Image built" in older.body
    assert "This comment was posted twice" in await tester.read()
    assert f"#note_{older.id}" in later.body
    await checked(tester)


async def test_an_edit_that_takes_effect_late_is_corrected(tester: OfflineTester) -> None:
    await idle_pull(tester)
    building, deploying = tester.world.script.hold("build"), tester.world.script.hold("deploy")
    fault = late(tester, "PATCH", "/pulls/comments/")
    await tester.comment("/deploy")
    building.open()
    await deploying.reached()
    await held(tester, fault)
    deploying.open()
    assert "Preview ready" in await tester.read()
    await fault.act()
    assert "Preview ready" not in tester.comments()[0].body
    await checked(tester)
    assert "Preview ready" in tester.comments()[0].body


async def test_a_pull_request_that_cannot_be_read_does_not_hold_up_the_others(
    tester: OfflineTester,
) -> None:
    await tester.configure(IDLE)
    faults = []
    for _ in range(2):
        await tester.open()
        faults.append(late(tester, "POST", COMMENTS.replace("1", r"\d")))
        assert "/deploy [env]" in await tester.says("/help")
    for fault in faults:
        await fault.act()
    denied = tester.gitee.faults.add("GET", COMMENTS, times=1, status=403)
    await checked(tester)
    assert denied.hits == 1
    assert len(tester.comments()) == 3, "one of the second pull request"

    await checked(tester)
    assert len(tester.comments()) == 2


async def test_nothing_is_asked_when_no_answer_was_lost(tester: OfflineTester) -> None:
    await tester.opened()
    asked = tester.gitee.faults.add("*", "/api/v5/", times=100, status=503)
    await checked(tester)
    assert asked.hits == 0
