"""A restarted bot continues what the stopped one left unfinished."""

import pytest

from bot.model.environment import EnvironmentState
from bot.model.reason import Reason
from bot.model.run import RunState, StopRequest
from tests.dialogue.offline import OfflineTester
from tests.store.stopping import request_stop


@pytest.mark.parametrize(("operation", "builds"), [("build", 2), ("deploy", 2), ("test", 3)])
async def test_a_run_continues_at_the_interrupted_step(
    tester: OfflineTester, operation: str, builds: int
) -> None:
    gate = tester.world.script.hold(operation)
    await tester.open()
    await gate.reached()
    await tester.restart()
    said = await tester.read()
    assert "Preview ready, 2 tests passed" in said
    assert len(tester.comments()) == 1
    assert len(tester.world.built) == builds
    assert len(tester.world.deployed) == 1
    assert gate.cancelled.is_set()
    assert tester.world.cleared == [1]


async def test_a_waiting_run_survives_a_restart(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/test")
    await tester.sees("Queued, next in the queue")
    await tester.restart()
    assert "2 tests passed" in await tester.read()
    assert [run.state for run in await tester.runs()] == [RunState.PASSED, RunState.PASSED]
    assert len(tester.comments()) == 2


async def test_a_stored_delivery_is_processed_after_the_restart(tester: OfflineTester) -> None:
    asked = tester.line.hold_request("GET", "/pulls/1$")
    await tester.open()
    await asked.reached()
    await tester.restart()
    assert "2 tests passed" in await tester.read()
    assert len(await tester.runs()) == 1


async def test_a_requested_stop_is_executed_after_the_restart(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    # The bot stops before the cleanup has finished.
    gate.cleaned_up.clear()
    await tester.open()
    await gate.reached()
    await tester.comment("/cancel")
    await gate.left()
    await tester.restart()
    assert "Cancelled by lin" in await tester.living(1)
    await tester.sees("Stopping #1")
    assert tester.world.built == []


async def test_a_starting_environment_is_abandoned_with_its_run(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("deploy")
    await tester.open()
    await gate.reached()
    # The request is stored; the bot stops before it acts on it.
    await request_stop(tester.bot.store, (1,), StopRequest(Reason.CANCELLED, {"who": "lin"}))
    await tester.restart()
    assert "Cancelled by lin" in await tester.read()
    (environment,) = await tester.bot.store.pulls.environments()
    assert environment.state is EnvironmentState.FAILED


async def test_a_restart_posts_no_comment(tester: OfflineTester) -> None:
    await tester.opened()
    before = len(tester.comments()[0].history)
    await tester.restart()
    await tester.bot.comments.catch_up()
    await tester.says_nothing()
    assert len(tester.comments()[0].history) == before
