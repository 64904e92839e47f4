"""Extending environments, and announcing their expiry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bot.model.environment import Environment, EnvironmentState
from tests.dialogue.line import Line
from tests.dialogue.offline import OfflineTester
from tests.fakes.adapters import Gate

HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)
WARNING = "⏰ The preview"


async def pass_by(tester: OfflineTester, span: timedelta) -> None:
    """Make the preview older by this much; advancing the clock instead would make webhooks stale."""

    def older(one: Environment) -> Environment:
        extended = one.extended_at - span if one.extended_at else None
        deployed, expires = one.deployed_at - span, one.expires_at - span
        return replace(one, deployed_at=deployed, expires_at=expires, extended_at=extended)

    key = (await tester.preview()).key
    await tester.bot.store.pulls.writer(None).change(key.repo, key.number, older)


async def extended(tester: OfflineTester) -> bool:
    return (await tester.preview()).extended_at is not None


async def looked(tester: OfflineTester) -> None:
    """Run the tasks that announce and apply expiry."""
    await tester.bot.reconciling.warnings.reconcile()
    await tester.bot.reconciling.expiry.reconcile()
    await tester.idle()


@pytest.fixture
async def deployed(tester: OfflineTester) -> OfflineTester:
    """Provide a tester with a deployed preview that expires after three days."""
    await tester.opened()
    return tester


async def test_a_preview_is_extended_by_the_requested_time(deployed: OfflineTester) -> None:
    before = await deployed.preview()
    await pass_by(deployed, 2 * DAYS)
    said = await deployed.says("/延长 1天")
    assert said.startswith("As lin asked, the preview lives until ")
    after = await deployed.preview()
    assert after.expires_at == before.expires_at - DAYS
    await pass_by(deployed, DAYS + HOURS)
    await looked(deployed)
    await deployed.says_nothing()
    await pass_by(deployed, DAYS)
    await looked(deployed)
    assert "environment expired" in await deployed.read()


async def test_the_operators_limit_caps_an_extension(deployed: OfflineTester) -> None:
    await pass_by(deployed, DAYS)
    assert "That is `3d` from now, the longest that the operator allows." in await deployed.says("/extend 9d")
    left = (await deployed.preview()).expires_at - deployed.clock.now()
    assert 3 * DAYS - HOURS < left <= 3 * DAYS
    said = await deployed.says("/extend 1h staging")
    assert "There is no environment `staging`" in said
    await deployed.bot.store.pulls.writer(None).change(
        (await deployed.preview()).key.repo, 1, lambda one: replace(one, expires_at=one.expires_at + DAYS)
    )
    said = await deployed.says("/extend")
    assert "The environment already lives as long as the operator allows, which is `3d` from now." in said


async def test_a_redelivered_command_extends_once(deployed: OfflineTester) -> None:
    await pass_by(deployed, 2 * DAYS)
    await deployed.says("/extend 8h")
    once = await deployed.preview()
    await deployed.restart()
    deployed.gitee.redeliver(-1)
    await deployed.says_nothing()
    assert await deployed.preview() == once


async def test_an_expiry_is_announced_once(deployed: OfflineTester) -> None:
    await looked(deployed)
    await deployed.says_nothing()
    await pass_by(deployed, 3 * DAYS - 11 * HOURS)
    await looked(deployed)
    said = await deployed.read()
    assert said.startswith(f"@mei {WARNING} [pr-1-shop.test.example.com]")
    assert "\n/extend 1d\n" in said
    await looked(deployed)
    await deployed.restart()
    await looked(deployed)
    await deployed.says_nothing()
    assert "`preview` expires soon; to keep it for another day, comment `/extend 1d`" in await deployed.says(
        "/status"
    )


async def test_an_expiry_after_an_extension_is_announced_again(deployed: OfflineTester) -> None:
    await pass_by(deployed, 3 * DAYS - 11 * HOURS)
    await looked(deployed)
    await deployed.read()
    await deployed.says("/extend 1d")
    await looked(deployed)
    await deployed.says_nothing()
    await pass_by(deployed, DAYS + HOURS)
    await looked(deployed)
    assert WARNING in await deployed.read()


@pytest.mark.parametrize("hold", [Line.hold_request, Line.hold_answer])
async def test_a_warning_interrupted_by_a_restart_is_given_once(
    deployed: OfflineTester, hold: Callable[[Line, str, str], Gate]
) -> None:
    await pass_by(deployed, 3 * DAYS - 11 * HOURS)
    on_its_way = hold(deployed.line, "POST", "/pulls/1/comments$")
    await deployed.bot.reconciling.warnings.reconcile()
    await on_its_way.reached()
    await deployed.restart()
    await looked(deployed)
    assert WARNING in await deployed.read()
    await deployed.says_nothing()


async def test_an_environment_shorter_than_the_warning_period_expires_unannounced(
    tester: OfflineTester,
) -> None:
    await tester.configure("version: 1\non: {open: [], update: [], close: []}\ndeploy: {ttl: 8h}\n")
    await tester.open()
    await tester.says("/deploy")
    await pass_by(tester, 7 * HOURS)
    await looked(tester)
    await tester.says_nothing()


@pytest.mark.parametrize("warn", ["0", "1h"])
async def test_the_operator_sets_the_warning_period(tester: OfflineTester, warn: str) -> None:
    await tester.restart(preview=replace(tester.settings.preview, warn=warn))
    await tester.opened()
    await pass_by(tester, 3 * DAYS - 2 * HOURS)
    await looked(tester)
    await tester.says_nothing()


async def test_no_expiry_is_announced_while_a_run_may_renew_it(deployed: OfflineTester) -> None:
    gate = deployed.world.script.hold("deploy")
    await deployed.comment("/deploy")
    await gate.reached()
    await pass_by(deployed, 3 * DAYS - 11 * HOURS)
    await deployed.bot.reconciling.warnings.reconcile()
    await deployed.bot.comments.publisher.flush()
    assert not [one for one in deployed.comments() if WARNING in one.body]
    gate.open()
    await deployed.read()


@pytest.mark.parametrize(
    ("room", "state"), [(True, EnvironmentState.READY), (False, EnvironmentState.STARTING)]
)
async def test_an_extension_survives_a_deployment_that_ends_at_the_same_time(
    deployed: OfflineTester,
    room: bool,  # noqa: FBT001 - a parameter of the test
    state: EnvironmentState,
) -> None:
    await pass_by(deployed, HOURS)
    before, deployed.world.room = await deployed.preview(), room
    gate = deployed.world.script.hold("deploy")
    await deployed.comment("/deploy ttl=8h")
    await gate.reached()
    assert (await deployed.preview()).state is state
    await deployed.comment("/extend 2h")
    await deployed.sees("the preview lives until")
    await deployed.until(partial(extended, deployed))
    promised = (await deployed.preview()).expires_at
    gate.open()
    await deployed.read()
    found = await deployed.preview()
    assert (found.state, found.expires_at) == (EnvironmentState.READY, promised)
    assert found.deployed_at > before.deployed_at
    assert promised > before.expires_at if room else promised == found.deployed_at + 10 * HOURS


async def test_announcements_can_be_switched_off(tester: OfflineTester) -> None:
    for announce in (False, True):
        await tester.restart(comments=replace(tester.settings.comments, announce=announce))
        names = {task.name for task in tester.bot.reconciling.tasks}
        assert ("expiry warnings" in names) is announce
