"""How people without write access are answered, and for how long they are not."""

from dataclasses import replace
from datetime import timedelta

from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"


async def quiet(tester: OfflineTester, **comments: object) -> None:
    """Restart the bot with these settings of comments, and open a pull request on which nothing runs."""
    await tester.configure(IDLE)
    await tester.restart(comments=replace(tester.settings.comments, **comments))  # type: ignore[arg-type] # by name
    await tester.open()


async def test_several_commands_get_one_answer_in_order(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    said = await tester.says("/help build\n/status\n/help test\n/biuld\n/tset\n/deploy nowhere", by="lin")
    parts = [
        "`/build`",
        "**team/shop!1**",
        "`/test [suite…] [env=…]`",
        "did you mean `/build`",
        "There is no environment",
    ]
    assert sorted(parts, key=said.index) == parts
    assert said.count("did you mean") == 1


async def test_the_last_answer_says_until_when_the_bot_is_silent(tester: OfflineTester) -> None:
    await quiet(tester, answers=2)
    assert "Until" not in await tester.says("/status", by="stranger")
    said = await tester.says("/help build", by="stranger")
    assert "people without write access get 2 answers an hour" in said
    assert "your commands here are ignored" in said
    await tester.comment("/status", by="stranger")
    await tester.comment("/help\n/status\n/nonsense", by="stranger")
    await tester.says_nothing()
    assert "No environment" in await tester.says("/status", by="lin")
    await tester.open()
    assert "No environment" in await tester.says("/status", by="stranger")


async def test_the_silence_survives_a_restart_and_ends_after_an_hour(tester: OfflineTester) -> None:
    await quiet(tester, answers=1)
    tester.clock.skip(timedelta(minutes=-30))  # webhooks may differ from the bot's clock by an hour
    assert "get 1 answer an hour" in await tester.says("/status", by="stranger")
    await tester.restart()
    await tester.comment("/status", by="stranger")
    await tester.says_nothing()
    tester.clock.skip(timedelta(minutes=55))
    await tester.comment("/status", by="stranger")
    await tester.says_nothing()
    tester.clock.skip(timedelta(minutes=6))
    tester.gitee.redeliver(-1)
    await tester.says_nothing()
    assert "get 1 answer an hour" in await tester.says("/status", by="stranger")


async def test_an_ignored_command_is_not_executed_later(tester: OfflineTester) -> None:
    await quiet(tester, answers=1)
    await tester.open("stranger", from_fork=True)
    await tester.comment(f"/ok-to-test {tester.head}", by="lin")
    await tester.read()
    assert "get 1 answer an hour" in await tester.says("/build", by="stranger")
    assert "Image built" in await tester.read()
    await tester.comment("/build", by="stranger")
    await tester.idle()
    tester.clock.skip(timedelta(hours=2))
    await tester.sweep()
    await tester.says_nothing()
    assert len(await tester.runs()) == 1


async def test_people_with_write_access_have_no_limit(tester: OfflineTester) -> None:
    await quiet(tester, answers=2)
    assert "No environment" in await tester.says("/status", by="stranger")
    tester.gitee.set_permission(REPO, "stranger", "write")
    for by in ("mei", "stranger") * 3:
        assert "ignored" not in await tester.says("/status", by=by)


async def test_the_operator_may_leave_strangers_unanswered(tester: OfflineTester) -> None:
    await quiet(tester, strangers="silent")
    await tester.open("stranger", from_fork=True)
    tester.gitee.add_user("nosy")
    for by in ("stranger", "nosy"):
        await tester.comment("/help\n/build\n/biuld", by=by)
    await tester.says_nothing()
    await tester.says(f"/ok-to-test {tester.head}", by="lin")
    assert "Image built" in await tester.says("/build", by="stranger")
    await tester.comment("/status", by="nosy")
    await tester.says_nothing()


async def test_an_unanswered_stranger_still_gets_the_request_for_approval_once(tester: OfflineTester) -> None:
    await tester.restart(comments=replace(tester.settings.comments, strangers="silent"))
    assert "Nothing has run yet" in await tester.opened_by_stranger()
    await tester.comment("/status", by="stranger")
    tester.gitee.redeliver(-2)
    await tester.says_nothing()
