"""A command whose webhook was lost: executed, answered with what to type, or overtaken by a later one."""

from datetime import timedelta

import pytest

from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_sweep import unreported

HOURS = timedelta(hours=3)
SECONDS = timedelta(seconds=10)
SOMETHING_ELSE = [("/help", "mei"), ("/status", "lin"), ("looks good", "mei"), ("/build", "lin")]


async def missed(tester: OfflineTester, command: str) -> None:
    """Lose the webhook of a comment."""
    await unreported(tester, tester.comment(command))


async def changed_later(tester: OfflineTester) -> None:
    """Let the latest change of the pull request be after all comments: Gitee's times have no fractions."""
    tester.pull.updated_at += SECONDS


@pytest.mark.parametrize(("later", "by"), SOMETHING_ELSE)
async def test_words_about_something_else_overtake_nothing(
    tester: OfflineTester, later: str, by: str
) -> None:
    await tester.opened()
    await missed(tester, "/teardown")
    await tester.comment(later, by)
    await tester.read_all()
    assert tester.world.deployed
    await tester.sweep()
    assert "torn down" in await tester.read()
    assert tester.world.deployed == {}
    await tester.sweep()
    await tester.says_nothing()


@pytest.mark.parametrize("later", ["/deploy", "/extend 2h"])
async def test_a_later_command_about_the_same_thing_overtakes(tester: OfflineTester, later: str) -> None:
    await tester.opened()
    await missed(tester, "/teardown")
    await tester.says(later)
    await tester.sweep()
    await tester.says_nothing()
    assert tester.world.deployed


async def test_a_later_command_that_was_refused_overtakes_nothing(tester: OfflineTester) -> None:
    await tester.opened()
    await missed(tester, "/teardown")
    await tester.says("/deploy", by="stranger")
    await tester.sweep()
    assert "torn down" in await tester.read()


async def test_a_later_push_overtakes_what_it_did_itself(tester: OfflineTester) -> None:
    await tester.opened()
    await missed(tester, "/deploy")
    asked = tester.line.hold_request("GET", "/pulls/1$")
    await tester.push()
    await asked.reached()
    await changed_later(tester)
    asked.open()
    await tester.read_all()
    before = len(await tester.runs())
    await tester.sweep()
    await tester.says_nothing()
    assert len(await tester.runs()) == before


async def test_a_command_of_hours_ago_is_answered_once_with_what_to_type(tester: OfflineTester) -> None:
    await tester.opened()
    await missed(tester, "/teardown preview")
    tester.clock.skip(HOURS)
    await tester.sweep()
    said = await tester.read()
    assert "`/teardown preview` was not run. No webhook reported it, so the bot found it only 3 h" in said
    assert "If it still applies, comment it again." in said
    assert tester.world.deployed
    await tester.sweep()
    await tester.says_nothing()


async def test_a_command_before_a_missed_push_is_answered(tester: OfflineTester) -> None:
    await tester.opened()
    await missed(tester, "/teardown")
    await unreported(tester, tester.push(), changed_later(tester))
    tester.clock.skip(SECONDS)
    await tester.sweep()
    said = "\n".join(await tester.read_all())
    assert f"cannot tell whether it was meant for commit `{tester.head[:12]}`" in said
    assert "Preview ready" in said
    assert tester.world.deployed


async def test_a_question_of_hours_ago_is_answered(tester: OfflineTester) -> None:
    await tester.opened()
    await missed(tester, "/status")
    tester.clock.skip(HOURS)
    await tester.sweep()
    assert "was not run" not in await tester.read()


async def test_a_revocation_is_never_too_late(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    await tester.says("/ok-to-test")
    await tester.read_all()
    await missed(tester, "/ok-to-test revoke")
    tester.clock.skip(HOURS)
    await tester.sweep()
    await tester.read_all()
    assert tester.world.deployed == {}
