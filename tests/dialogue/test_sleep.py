"""Idle previews sleep, and a visit or `/wake` wakes them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from bot.model.environment import Environment, EnvironmentState
from bot.model.errors import RetryLater, TellUser
from bot.model.reason import Reason
from tests.dialogue.offline import OfflineTester, visitor

HOURS = timedelta(hours=1)
HOST = "pr-1-shop.test.example.com"


async def unvisited(tester: OfflineTester, span: timedelta) -> None:
    """Make the last deployment and visit older by this much, and run the idle scaler."""

    def older(one: Environment) -> Environment:
        visited = one.visited_at - span if one.visited_at else None
        return replace(one, deployed_at=one.deployed_at - span, visited_at=visited)

    key = (await tester.preview()).key
    await tester.bot.store.pulls.writer(None).change(key.repo, key.number, older)
    await tester.bot.reconciling.idle_scaler.reconcile()


async def visited(tester: OfflineTester) -> httpx.Response:
    """Visit the preview."""
    async with visitor(tester.bot.listeners.previews.url) as client:
        return await client.get("/", headers={"Host": HOST, "Accept": "text/html"})


async def woken(tester: OfflineTester) -> EnvironmentState:
    """Let the bot wake the previews that should wake, and return the resulting state."""
    await tester.bot.reconciling.idle_scaler.scale_up()
    await tester.bot.reconciling.idle_scaler.awake()
    return (await tester.preview()).state


@pytest.fixture
async def deployed(tester: OfflineTester) -> OfflineTester:
    """Provide a tester with a deployed preview that sleeps after two hours."""
    tester.world.sleeps = True
    await tester.restart(kubernetes=replace(tester.settings.kubernetes, sleep_after="2h"))
    await tester.opened()
    return tester


@pytest.fixture
async def asleep(deployed: OfflineTester) -> OfflineTester:
    """Provide a tester with a sleeping preview."""
    await unvisited(deployed, 2 * HOURS)
    return deployed


async def test_an_idle_preview_sleeps_and_a_visit_wakes_it(deployed: OfflineTester) -> None:
    await unvisited(deployed, HOURS)
    assert (await deployed.preview()).state is EnvironmentState.READY
    await unvisited(deployed, HOURS)

    assert deployed.world.asleep == {(await deployed.preview()).key}
    assert "| asleep |" in await deployed.says("/status")
    answer = await visited(deployed)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert "This preview is waking up" in answer.text
    assert await woken(deployed) is EnvironmentState.READY
    assert not deployed.world.asleep
    await deployed.says_nothing()


async def test_a_stored_visit_keeps_a_preview_awake(deployed: OfflineTester) -> None:
    await unvisited(deployed, HOURS)
    await visited(deployed)
    await deployed.bot.reconciling.visits.flush()
    await unvisited(deployed, HOURS)
    assert (await deployed.preview()).state is EnvironmentState.READY
    await unvisited(deployed, HOURS)
    assert (await deployed.preview()).state is EnvironmentState.ASLEEP


async def test_the_command_wakes_a_preview(asleep: OfflineTester) -> None:
    said = await asleep.says("/唤醒")
    assert said.startswith("As lin asked, the preview is waking up.")
    assert await woken(asleep) is EnvironmentState.READY
    assert "No environment of this PR is asleep." in await asleep.says("/wake")


async def test_a_restart_keeps_previews_asleep_and_completes_scaling_down(deployed: OfflineTester) -> None:
    deployed.world.script.fail("sleep", RetryLater(Reason.CLUSTER_UNAVAILABLE))
    with pytest.raises(RetryLater):
        await unvisited(deployed, 2 * HOURS)
    assert not deployed.world.asleep

    await deployed.restart()
    await deployed.bot.reconciling.idle_scaler.reconcile()

    assert deployed.world.asleep == {(await deployed.preview()).key}


async def test_a_replica_that_hung_does_not_put_a_later_deployment_to_sleep(deployed: OfflineTester) -> None:
    gate = deployed.world.script.hold("sleep")
    hung = asyncio.create_task(unvisited(deployed, 2 * HOURS))
    await gate.reached()
    await deployed.says("/deploy")
    gate.open()
    await hung
    assert not deployed.world.asleep
    assert (await deployed.preview()).state is EnvironmentState.READY

    await unvisited(deployed, 2 * HOURS)
    assert deployed.world.asleep == {(await deployed.preview()).key}


async def test_waking_continues_after_a_restart(asleep: OfflineTester) -> None:
    gate = asleep.world.script.hold("wake")
    await visited(asleep)
    await asleep.bot.reconciling.idle_scaler.scale_up()
    await gate.reached()
    await asleep.restart()
    assert gate.cancelled.is_set()
    assert await woken(asleep) is EnvironmentState.READY


async def test_waking_is_retried_and_a_preview_that_cannot_wake_fails(
    asleep: OfflineTester,
) -> None:
    asleep.world.script.fail(
        "wake", RetryLater(Reason.CLUSTER_UNAVAILABLE), TellUser(Reason.UNHEALTHY, {"name": "app"})
    )
    await visited(asleep)
    await woken(asleep)
    assert await woken(asleep) is EnvironmentState.FAILED


async def test_a_test_of_a_sleeping_preview_deploys_first(asleep: OfflineTester) -> None:
    said = await asleep.says("/test")
    assert "passed" in said
    assert (await asleep.preview()).state is EnvironmentState.READY
    assert not asleep.world.asleep


async def test_a_sleeping_preview_is_removed_like_any_other(asleep: OfflineTester) -> None:
    key = (await asleep.preview()).key
    await asleep.merge()
    await asleep.read_all()
    assert await asleep.bot.store.pulls.environments() == ()
    assert key in asleep.world.removed


async def test_no_preview_sleeps_during_a_run(deployed: OfflineTester) -> None:
    gate = deployed.world.script.hold("test")
    await deployed.comment("/test")
    await gate.reached()
    await unvisited(deployed, 3 * HOURS)
    assert (await deployed.preview()).state is EnvironmentState.READY
    gate.open()
    await deployed.read()


async def test_what_speaks_no_http_never_sleeps(tester: OfflineTester) -> None:
    tester.world.sleeps = True
    await tester.configure("version: 1\ndeploy: {health: {protocol: tcp}}\n")
    await tester.restart(kubernetes=replace(tester.settings.kubernetes, sleep_after="2h"))
    await tester.opened()
    await unvisited(tester, 48 * HOURS)
    found = await tester.preview()
    assert (found.state, found.suspendable_by) == (EnvironmentState.READY, None)
    assert not next(iter(tester.world.deployed.values())).http


async def test_what_was_set_up_never_sleeps(tester: OfflineTester) -> None:
    tester.world.sleeps = True
    await tester.configure("version: 1\ndeploy: {setup: [./migrate]}\n")
    await tester.restart(kubernetes=replace(tester.settings.kubernetes, sleep_after="2h"))
    await tester.opened()
    await unvisited(tester, 48 * HOURS)
    found = await tester.preview()
    assert (found.state, found.suspendable_by) == (EnvironmentState.READY, None)


async def test_previews_sleep_only_if_configured(tester: OfflineTester) -> None:
    tester.world.sleeps = True
    await tester.restart()
    await tester.opened()
    await unvisited(tester, 48 * HOURS)
    found = await tester.preview()
    assert (found.state, found.suspendable_by) == (EnvironmentState.READY, None)
