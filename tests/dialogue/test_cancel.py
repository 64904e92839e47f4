"""`/cancel` stops running and waiting runs."""

from bot.model.run import RunState
from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_failing_previews import EXITED, look


async def test_cancelling_interrupts_the_step_and_waits_for_its_cleanup(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    gate.cleaned_up.clear()
    await tester.open()
    await gate.reached()
    await tester.sees("Building")
    await tester.comment("/cancel")
    assert "Stopping #1, as lin asked." in await tester.sees("as lin asked")
    await gate.left()
    (run,) = await tester.bot.store.runs.unfinished()
    assert run.state is RunState.RUNNING
    gate.cleaned_up.set()
    said = await tester.living(1)
    assert "**Stopped**" in said
    assert "| Build | cancelled |" in said
    assert "| Test | skipped |" in said
    assert tester.world.deployed == {}


async def test_a_waiting_run_is_cancelled_by_its_number_and_the_other_continues(
    tester: OfflineTester,
) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/test")
    await tester.sees("Queued, next in the queue")
    await tester.comment("/取消 #2", by="mei")
    await tester.sees("Stopping #2, as mei asked.")
    await tester.sees("Cancelled by mei.")
    gate.open()
    assert "Preview ready, 2 tests passed" in await tester.living(1)
    assert [run.state for run in await tester.runs()] == [RunState.PASSED, RunState.CANCELLED]


async def test_without_a_number_all_runs_are_cancelled(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/test")
    await tester.sees("Queued, next in the queue")
    await tester.comment("/stop")
    await tester.sees("Stopping #1, #2, as lin asked.")
    await tester.read_all()
    assert {run.state for run in await tester.runs()} == {RunState.CANCELLED}


async def test_a_run_of_another_pull_request_is_unknown_here(tester: OfflineTester) -> None:
    await tester.opened()
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/cancel 1")
    assert "This PR has no run `1`." in await tester.sees("no run")
    gate.open()
    assert "2 tests passed" in await tester.read()


async def test_the_author_may_cancel_and_a_stranger_may_not(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("deploy")
    await tester.open(by="mei")
    await gate.reached()
    await tester.comment("/cancel", by="stranger")
    assert "stranger may not run this command" in await tester.sees("may not")
    await tester.comment("/cancel", by="mei")
    assert "Cancelled by mei." in await tester.living(1)
    await tester.sees("as mei asked")


async def test_an_author_without_write_permission_cannot_cancel_the_teardown_of_a_close(
    tester: OfflineTester,
) -> None:
    await tester.opened_by_stranger()
    await tester.comment("/ok-to-test")
    await tester.read_all()
    gate = tester.world.script.hold("remove")
    await tester.close()
    await gate.reached()
    await tester.comment("/cancel", by="stranger")
    await tester.sees("`/cancel` was not run")
    await tester.comment("/cancel 2", by="stranger")
    await tester.sees("`/cancel 2` was not run")
    gate.open()
    assert "Environment torn down" in await tester.read()
    assert await tester.bot.store.pulls.environments() == ()


async def test_cancel_and_a_new_command_in_one_comment(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    await tester.comment("/cancel\n/build")
    await tester.sees("Stopping #1, as lin asked.")
    assert "followed by #2" in await tester.living(1)
    assert "Image built" in await tester.living(2)
    assert [run.state for run in await tester.runs()] == [RunState.CANCELLED, RunState.PASSED]


async def test_a_stopped_removal_leaves_nothing_that_counts_as_ready(tester: OfflineTester) -> None:
    await tester.opened()
    gate = tester.world.script.hold("remove")
    await tester.comment("/teardown")
    await gate.reached()
    await tester.comment("/cancel")
    await tester.sees("as lin asked")
    await tester.sees("Cancelled by lin.")
    assert "Its removal was started, but not finished." in await tester.living(1)
    tester.world.deployed.clear()
    await look(tester, EXITED)
    assert "not by the bot" not in await tester.living(1)
