"""Deliveries that were given up are taken up again when they are sent again, or when their cause is gone."""

import logging
from datetime import timedelta

import pytest

from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_forged_deliveries import claim_comment
from tests.dialogue.tester import BOT, REPO


async def opened_before_the_bot_was_invited(tester: OfflineTester) -> None:
    """Open a pull request that the bot may not see, until its delivery is given up."""
    tester.gitee.repository(REPO).private = True
    tester.gitee.set_permission(REPO, BOT, None)
    await tester.open()
    await tester.says_nothing()


def given_up(tester: OfflineTester) -> dict[str, int]:
    """Return the number of deliveries that were given up, by reason."""
    counts = {
        one.labels["reason"]: int(one.value)
        for metric in tester.bot.deps.prometheus.collect()
        for one in metric.samples
        if one.name == "chatops_deliveries_given_up_total"
    }
    return {reason: count for reason, count in counts.items() if count}


async def test_what_the_bot_may_not_see_is_named_and_counted(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await opened_before_the_bot_was_invited(tester)
    assert given_up(tester) == {"repository_invisible": 1}
    assert f"{REPO}!1 open" in caplog.text
    assert f"invite the bot's account {BOT}" in caplog.text
    (found,) = await tester.bot.store.given_up.latest(10)
    assert (str(found.repo), found.number, found.trigger) == (REPO, 1, "open")


async def test_a_delivery_that_was_given_up_is_decided_when_it_is_sent_again(tester: OfflineTester) -> None:
    await opened_before_the_bot_was_invited(tester)
    tester.gitee.set_permission(REPO, BOT, "write")
    sent = range(len(tester.gitee.deliveries))
    for index in sent:
        tester.gitee.redeliver(index)
    assert "Preview ready, 2 tests passed" in await tester.read()
    assert await tester.bot.store.given_up.latest(10) == ()
    for index in sent:
        tester.gitee.redeliver(index)
    await tester.says_nothing()


async def test_inviting_the_bot_is_enough(tester: OfflineTester) -> None:
    await opened_before_the_bot_was_invited(tester)
    await tester.comment("/status")
    await tester.idle()
    await tester.bot.reconciling.given_up.reconcile()
    await tester.says_nothing()
    tester.gitee.set_permission(REPO, BOT, "write")
    await tester.bot.reconciling.given_up.reconcile()
    assert len(await tester.read_all()) == 2
    assert len(await tester.runs()) == 1


async def test_what_was_given_up_long_ago_is_not_taken_up(tester: OfflineTester) -> None:
    await opened_before_the_bot_was_invited(tester)
    tester.gitee.set_permission(REPO, BOT, "write")
    tester.clock.skip(timedelta(days=2))
    await tester.bot.reconciling.given_up.reconcile()
    await tester.says_nothing()


@pytest.mark.attack
async def test_a_forged_pull_request_of_a_visible_repository_stays_given_up(tester: OfflineTester) -> None:
    await tester.opened()
    await claim_comment(tester, 5, tester.head, number=77)
    await tester.says_nothing()
    assert given_up(tester) == {"pull_unknown": 1}
    await tester.bot.reconciling.given_up.reconcile()
    assert await tester.bot.store.inbox.pending_pulls() == frozenset()


async def test_the_sweep_does_not_claim_that_no_webhook_arrived(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await opened_before_the_bot_was_invited(tester)
    tester.gitee.set_permission(REPO, BOT, "write")
    # Gitee's times have no fractions, and older pull requests are not the bot's business.
    tester.pull.created_at += timedelta(seconds=2)
    with caplog.at_level(logging.WARNING):
        await tester.sweep()
        assert "Preview ready" in await tester.read()
    assert "no webhook" not in caplog.text
    assert f"sweep: {REPO}!1: open was not decided, its webhook was lost or given up;" in caplog.text
