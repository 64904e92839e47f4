"""The sweep recovers lost webhooks once and does not repeat processed events."""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.engine.reconciling import reconciler
from bot.model.environment import EnvironmentState
from bot.model.run import RunState
from bot.settings.model import ReposSettings, SweepSettings
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO
from tests.fakes.stored import fail

Doing = Callable[[OfflineTester], Awaitable[object]]


async def unreported(tester: OfflineTester, *doings: Awaitable[object]) -> None:
    """Perform actions at Gitee while the bot is down, so that their webhooks are lost."""
    await tester.idle()
    await tester.stop()
    for doing in doings:
        await doing
    await tester.gitee.delivered()
    await tester.start()


async def test_a_pull_request_opened_while_the_bot_was_down_gets_its_preview(tester: OfflineTester) -> None:
    await tester.opened()
    await unreported(tester, tester.open())
    await tester.says_nothing()
    await tester.sweep()
    assert "Preview ready, 2 tests passed" in await tester.read()
    assert tester.repairs() == {"missed_event": 1}
    await tester.sweep()
    await tester.restart()
    await tester.sweep()
    await tester.says_nothing()
    assert tester.repairs() == {}


async def test_a_commit_pushed_while_the_bot_was_down_is_built(tester: OfflineTester) -> None:
    await tester.opened()
    await unreported(tester, tester.push())
    await tester.sweep()
    assert tester.head[:8] in await tester.read()
    assert [run.sha for run in await tester.runs()][1:] == [tester.head]
    await tester.sweep()
    await tester.says_nothing()


@pytest.mark.parametrize("end", ["close", "merge"])
async def test_a_pull_request_closed_while_the_bot_was_down_is_cleaned_up(
    tester: OfflineTester, end: str
) -> None:
    await tester.opened()
    await unreported(tester, getattr(tester, end)())
    assert tester.world.deployed
    await tester.sweep()
    await tester.read()
    assert tester.world.deployed == {}
    assert tester.world.tags == set()
    await tester.sweep()
    await tester.says_nothing()


async def _nothing_waits(tester: OfflineTester) -> bool:
    return not await tester.bot.store.inbox.pending_pulls()


async def test_a_missed_close_stops_the_run(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.gitee.delivered()
    tester.gitee.faults.drop_webhooks(1)
    await tester.close()
    await tester.until(lambda: _nothing_waits(tester))
    await tester.sweep()
    assert "closed" in await tester.living(1)
    assert gate.cancelled.is_set()
    first, *_ = await tester.runs()
    assert first.state is RunState.CANCELLED
    await tester.read_all()


async def test_a_pull_request_reopened_while_the_bot_was_down_gets_its_preview_again(
    tester: OfflineTester,
) -> None:
    await tester.opened()
    await tester.close()
    await tester.read_all()
    await unreported(tester, tester.reopen())
    await tester.sweep()
    assert "Preview ready" in await tester.read()
    await tester.sweep()
    await tester.says_nothing()
    assert len(tester.world.deployed) == 1


async def test_a_pull_request_opened_and_closed_while_the_bot_was_down_starts_nothing(
    tester: OfflineTester,
) -> None:
    await tester.opened()
    await unreported(tester, tester.open(), tester.close())
    await tester.sweep()
    await tester.says_nothing()
    await tester.reopen()
    assert "Preview ready" in await tester.read()


async def test_a_late_webhook_changes_nothing(tester: OfflineTester) -> None:
    await tester.opened()
    await unreported(tester, tester.open())
    await tester.sweep()
    await tester.read()
    before = len(await tester.runs())
    for index, delivery in enumerate(list(tester.gitee.deliveries)):
        if delivery.error:
            tester.gitee.redeliver(index)
    await tester.says_nothing()
    assert len(await tester.runs()) == before


async def test_recent_changes_are_left_to_their_webhooks(tester: OfflineTester) -> None:
    await tester.opened()
    await unreported(tester, tester.push())
    await tester.restart(sweep=SweepSettings(enabled=False, age="10m"))
    await tester.bot.reconciling.sweep.run()
    await tester.says_nothing()
    tester.clock.skip(timedelta(minutes=11))
    await tester.bot.reconciling.sweep.run()
    assert tester.head[:8] in await tester.read()


async def test_missed_commands_are_executed_in_order(tester: OfflineTester) -> None:
    await tester.opened()
    await unreported(tester, tester.comment("/teardown"), tester.comment("/help"))
    await tester.sweep()
    said = await tester.read_all()
    assert len(said) == 2
    assert tester.world.deployed == {}
    assert tester.repairs() == {"missed_command": 2}
    await tester.sweep()
    await tester.says_nothing()


@pytest.mark.parametrize("words", ["thanks", "/lgtm", "> /teardown", "the `/teardown` command"])
async def test_missed_comments_without_commands_get_no_reply(tester: OfflineTester, words: str) -> None:
    await tester.opened()
    await unreported(tester, tester.comment(words))
    await tester.sweep()
    await tester.says_nothing()
    assert tester.repairs() == {}


async def test_a_missed_command_that_was_edited_is_not_executed(tester: OfflineTester) -> None:
    await tester.opened()

    async def write_and_edit() -> None:
        comment = await tester.comment("hello")
        tester.gitee.comments(REPO, tester.number, by="lin")[-1].created_at -= timedelta(minutes=1)
        await tester.gitee.edit_comment(REPO, comment, "/teardown", by="lin")

    await unreported(tester, write_and_edit())
    await tester.sweep()
    await tester.says_nothing()


async def test_a_missed_command_older_than_a_day_is_not_executed(tester: OfflineTester) -> None:
    await tester.opened()

    async def write() -> None:
        await tester.comment("/teardown")
        tester.gitee.comments(REPO, tester.number, by="lin")[-1].created_at -= timedelta(hours=25)

    await unreported(tester, write())
    await tester.sweep()
    await tester.says_nothing()


async def test_a_missed_approval_counts_for_the_commit_that_was_announced(tester: OfflineTester) -> None:
    assert "/ok-to-test" in await tester.opened_by_stranger()
    await unreported(tester, tester.comment("/ok-to-test"))
    await tester.sweep()
    assert "approved commit" in "".join(await tester.read_all())
    assert {order.labels["chatops.sha"] for order in tester.world.built} == {tester.head}


async def test_a_missed_approval_does_not_count_for_a_later_commit(tester: OfflineTester) -> None:
    assert "/ok-to-test" in await tester.opened_by_stranger()
    await unreported(tester, tester.comment("/ok-to-test"), tester.push(by="stranger"))
    await tester.sweep()
    assert "`/ok-to-test` was not run" in "".join(await tester.read_all())
    assert tester.world.built == []


async def test_a_missed_command_needs_permission(tester: OfflineTester) -> None:
    await tester.opened()
    await unreported(tester, tester.open("stranger", from_fork=True), tester.comment("/build", by="stranger"))
    await tester.sweep()
    said = await tester.read_all()
    assert any("/ok-to-test" in one for one in said)
    assert len(await tester.runs()) == 1
    await tester.sweep()
    await tester.says_nothing()


async def _superseded(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.push()


async def _cancelled(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/cancel")


async def _ignored(tester: OfflineTester) -> None:
    await tester.configure("version: 1\npaths: ['src/**']\n")
    await tester.open()


async def _unapproved(tester: OfflineTester) -> None:
    await tester.open("stranger", from_fork=True)


async def _failed(tester: OfflineTester) -> None:
    tester.world.dockerfile = None
    await tester.open()


async def _closed(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.close()


async def _moved_back(tester: OfflineTester) -> None:
    await tester.opened()
    first = tester.head
    await tester.push()
    await tester.idle()
    await tester.force_push(first)


@pytest.mark.parametrize(
    "past", [_superseded, _cancelled, _ignored, _unapproved, _failed, _closed, _moved_back]
)
async def test_events_that_a_webhook_reported_are_not_recovered(tester: OfflineTester, past: Doing) -> None:
    await past(tester)
    await tester.read_all()
    runs = await tester.runs()
    for _ in range(2):
        await tester.sweep()
        await tester.says_nothing()
        assert tester.repairs() == {}
        await tester.restart()
    assert await tester.runs() == runs


async def test_pull_requests_from_before_the_first_sweep_are_ignored(tester: OfflineTester) -> None:
    await tester.restart(repos=ReposSettings((REPO,)))
    tester.hook.merge_requests_events = tester.hook.note_events = False
    await tester.open()
    await tester.comment("/build")
    tester.pull.created_at -= timedelta(hours=1)
    tester.gitee.comments(REPO, tester.number, by="lin")[-1].created_at -= timedelta(hours=1)
    await tester.sweep()
    await tester.says_nothing()
    await tester.push()
    await tester.sweep()
    assert tester.head[:8] in await tester.read()
    first = tester.number
    await tester.open()
    tester.pull.created_at += tester.clock.ahead
    await tester.sweep()
    assert "Preview ready" in await tester.read()
    assert [run.number for run in await tester.runs()] == [first, tester.number]


async def test_a_repository_that_is_no_longer_allowed_is_skipped(tester: OfflineTester) -> None:
    await tester.opened()
    await unreported(tester, tester.push(), tester.comment("/teardown"))
    await tester.restart(repos=ReposSettings(("team/*", f"!{REPO}")))
    await tester.sweep()
    await tester.says_nothing()


async def test_a_delivery_abandoned_during_an_outage_is_recovered(
    tester: OfflineTester,
) -> None:
    await tester.opened()
    asked = tester.line.hold_request("GET", "/pulls/1$")
    await tester.comment("/teardown")
    await asked.reached()
    ((delivery, _),) = await tester.bot.store.inbox.due(tester.clock.now())
    await fail(tester.bot.store, delivery.key, "gitee_unavailable: 502", tester.clock.now())
    await tester.restart()
    await tester.says_nothing()
    await tester.sweep()
    await tester.read()
    assert tester.world.deployed == {}


async def test_a_sweep_continues_where_the_last_one_ran_out_of_requests(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "MAX_REQUESTS", 4)
    await tester.opened()
    numbers = [tester.number]
    for _ in range(3):
        await tester.opened()
        numbers.append(tester.number)
    await tester.idle()
    await tester.stop()
    for number in numbers:
        tester.number = number
        await tester.comment("/help")
    await tester.gitee.delivered()
    await tester.start()
    found = []
    for _ in range(4):
        await tester.sweep()
        found.append(tester.repairs().get("missed_command", 0))
        await tester.idle()
    assert found[0] < 4
    assert found[-1] == 4
    assert len(await tester.read_all()) == 4


async def test_a_refused_repository_does_not_block_the_sweep_of_others(
    tester: OfflineTester,
) -> None:
    await tester.restart(repos=ReposSettings(("team/hidden", REPO)))
    await tester.opened()
    await unreported(tester, tester.push())
    tester.gitee.faults.add(
        "GET", "/repos/team/hidden/", times=10, status=403, body={"message": "403 Forbidden"}
    )
    await tester.sweep()
    assert tester.head[:8] in await tester.read()


async def test_without_gitee_runners_and_registry_are_still_swept(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await tester.opened()
    tester.world.deployed.clear()
    tester.gitee.faults.add("GET", f"/repos/{REPO}/", times=3, status=502)
    with caplog.at_level(logging.WARNING):
        await tester.sweep()
    assert "missed webhooks are not recovered this time" in caplog.text
    (environment,) = await tester.bot.store.pulls.environments()
    assert environment.state is EnvironmentState.FAILED
    await tester.bot.comments.catch_up()
    await tester.idle()
    assert "Preview ready" not in tester.comments()[0].body
