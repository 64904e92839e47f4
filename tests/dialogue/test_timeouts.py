"""Timeouts of steps and runs, also after interruptions."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bot.core.runs import lifecycle
from bot.model.environment import EnvironmentState
from bot.model.run import RunState
from bot.steps import dispatch
from tests.dialogue.offline import OfflineTester

OVERDUE = "The run took longer than `2h`, the maximum that the operator allows, and was stopped."
OVER_TWO_HOURS = timedelta(hours=2, minutes=1)
LEFT = timedelta(minutes=10)


@dataclass
class Deadlines:
    """Deadlines of steps that tests let expire."""

    given: list[float] = field(default_factory=list)
    """Seconds allowed for each step."""
    _last: asyncio.Timeout = field(init=False)

    def __call__(self, seconds: float) -> asyncio.Timeout:
        self.given.append(seconds)
        self._last = asyncio.timeout(None)
        return self._last

    def over(self) -> None:
        """Let the deadline of the current step expire."""
        self._last.reschedule(asyncio.get_running_loop().time())


@pytest.fixture
def deadlines(tester: OfflineTester) -> Deadlines:
    """Use these deadlines in the current bot."""
    made = Deadlines()
    tester.bot.worker.executor = replace(tester.bot.worker.executor, timeout=made)
    return made


async def test_a_step_over_its_timeout_is_interrupted_and_reported(
    tester: OfflineTester, deadlines: Deadlines
) -> None:
    await tester.configure("version: 1\ntest: {timeout: 100}\nbuild: {timeout: 10}\n")
    gate = tester.world.script.hold("test")
    await tester.open()
    await gate.reached()
    deadlines.over()
    said = await tester.read()
    assert gate.cancelled.is_set()
    assert (deadlines.given[0], deadlines.given[-1]) == (10, 100 + 10 + dispatch.MARGIN)
    assert "❌ **Test timed out**" in said
    assert "Test did not finish within 3 min 50 s" in said
    assert "`/retest`" in said
    assert [run.state for run in await tester.runs()] == [RunState.FAILED]


async def test_a_run_over_its_time_limit_starts_no_further_step(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    tester.clock.skip(OVER_TWO_HOURS)
    gate.open()
    said = await tester.read()
    assert "❌ **Run timed out**" in said
    assert "| Build | ✅ passed |" in said
    assert OVERDUE in said
    assert "| Test | skipped |" in said
    assert tester.world.deployed == {}
    assert [run.state for run in await tester.runs()] == [RunState.FAILED]


async def test_a_run_whose_time_ends_within_a_step_is_interrupted(
    tester: OfflineTester, deadlines: Deadlines
) -> None:
    await tester.configure("version: 1\ntest: {timeout: 3000}\n")
    building, testing = tester.world.script.hold("build"), tester.world.script.hold("test")
    await tester.open()
    await building.reached()
    tester.clock.skip(timedelta(hours=2) - LEFT)
    building.open()
    await testing.reached()
    deadlines.over()
    said = await tester.read()
    assert testing.cancelled.is_set()
    assert 0 < deadlines.given[-1] <= LEFT.total_seconds()
    assert "❌ **Run timed out**" in said
    assert "| Build | ✅ passed |" in said
    assert OVERDUE in said


@pytest.mark.parametrize("operation", ["deploy", "test"])
async def test_interruptions_count_towards_the_time_of_a_run(tester: OfflineTester, operation: str) -> None:
    gate = tester.world.script.hold(operation)
    await tester.open()
    await gate.reached()
    await tester.stop()
    tester.clock.skip(OVER_TWO_HOURS)
    await tester.start()
    said = await tester.read()
    assert "❌ **Run timed out**" in said
    assert OVERDUE in said
    assert len(tester.comments()) == 1
    # Resources of the interrupted attempt are removed.
    if operation == "deploy":
        (environment,) = await tester.bot.store.pulls.environments()
        assert environment.state is EnvironmentState.FAILED
        assert tester.world.removed == [environment.key]
    else:
        assert len(tester.world.tests_stopped) == 1


async def test_an_interruption_within_the_time_limit_does_not_fail_a_run(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("test")
    await tester.open()
    await gate.reached()
    await tester.stop()
    tester.clock.skip(timedelta(hours=1))
    await tester.start()
    assert "2 tests passed" in await tester.read()


async def test_setting_the_clock_back_does_not_change_timeouts(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("build")
    await tester.open()
    await gate.reached()
    tester.clock.skip(timedelta(hours=-5))
    gate.open()
    assert "2 tests passed" in await tester.read()


async def test_a_teardown_has_no_time_limit(tester: OfflineTester) -> None:
    await tester.opened()
    gate = tester.world.script.hold("remove")
    await tester.close()
    await gate.reached()
    await tester.stop()
    tester.clock.skip(timedelta(days=2))
    await tester.start()
    assert "Environment torn down" in await tester.read()
    assert tester.world.deployed == {}


async def test_a_step_that_repeatedly_ends_the_bot_is_abandoned(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MOST_INTERRUPTIONS", 1)
    for _ in range(2):
        gate = tester.world.script.hold("build")
        await (tester.open() if not tester.number else tester.start())
        await gate.reached()
        await tester.stop()
    await tester.start()
    said = await tester.read()
    assert "⚠️ **Build interrupted**" in said
    assert "This step was interrupted 2 times and is not tried again." in said
    assert len(tester.comments()) == 1


async def test_resources_of_an_abandoned_step_are_removed(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MOST_INTERRUPTIONS", 1)
    for _ in range(2):
        gate = tester.world.script.hold("test")
        await (tester.open() if not tester.number else tester.start())
        await gate.reached()
        await tester.stop()
    tester.world.tests_stopped.clear()
    await tester.start()
    assert "⚠️ **Tests interrupted**" in await tester.read()
    assert [key.number for key in tester.world.tests_stopped] == [tester.number]
