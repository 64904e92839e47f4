"""A run that is stopped leaves nothing at its runner, wherever the stop meets it.

The platform of these tests removes nothing by itself when a call of it is cancelled: what is removed here,
the engine has asked for. A real platform cannot either when its call is cancelled before it has begun.
"""

from collections.abc import Callable, Collection, Sequence

import pytest

from bot.model.environment import EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.queue import QueueEntry
from bot.model.reason import Reason
from bot.model.run import Run, RunState, StopRequest
from bot.store.runs import Runs
from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO
from tests.store.stopping import request_stop

PREVIEW = EnvironmentKey(RepoPath.parse(REPO), 1, "preview")
STOPPING = "Stopping #1, as lin asked."


async def interrupted_in_its_tests(tester: OfflineTester) -> None:
    """Stop the bot while a suite runs, so that its container remains."""
    gate = tester.world.script.hold("test")
    await tester.open()
    await gate.reached()
    await tester.stop()
    assert tester.world.tests_stopped == []


async def test_a_suite_that_is_cancelled_is_removed(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("test")
    await tester.open()
    await gate.reached()
    await tester.comment("/cancel")
    assert "| Test | cancelled |" in await tester.living(1)
    await tester.sees(STOPPING)
    assert tester.world.tests_stopped == [PREVIEW]


@pytest.fixture
def stopped_when_claimed(tester: OfflineTester, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which runs are stopped between their claim and their first save."""
    claim = Runs.claim

    async def then_stopped(
        self: Runs, lease: Lease, choose: Callable[[Sequence[QueueEntry]], Collection[int]]
    ) -> tuple[Run, ...]:
        claimed = await claim(self, lease, choose)
        request = StopRequest(Reason.CANCELLED, {"who": "lin"})
        await request_stop(tester.bot.store, [run.id for run in claimed], request)
        return claimed

    return lambda: monkeypatch.setattr(Runs, "claim", then_stopped)


async def test_a_stop_before_the_first_save_after_a_restart(
    tester: OfflineTester, stopped_when_claimed: Callable[[], None]
) -> None:
    await interrupted_in_its_tests(tester)
    stopped_when_claimed()
    await tester.start()
    assert "Cancelled by lin" in await tester.read()
    assert tester.world.tests_stopped == [PREVIEW]
    assert [run.state for run in await tester.runs()] == [RunState.CANCELLED]


async def test_a_stop_while_the_next_attempt_cleans_up(tester: OfflineTester) -> None:
    await interrupted_in_its_tests(tester)
    gate = tester.world.script.hold("stop_tests")
    await tester.start()
    await gate.reached()
    await tester.comment("/cancel")
    await gate.left()
    assert "| Test | cancelled |" in await tester.living(1)
    await tester.sees(STOPPING)
    assert tester.world.tests_stopped == [PREVIEW]


async def test_a_deployment_that_is_cancelled_is_removed(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("deploy")
    await tester.open()
    await gate.reached()
    await tester.comment("/cancel")
    assert "| Deploy | cancelled |" in await tester.living(1)
    await tester.sees(STOPPING)
    assert tester.world.removed == [PREVIEW]


async def test_a_removal_that_was_interrupted_and_then_stopped_leaves_nothing_ready(
    tester: OfflineTester, stopped_when_claimed: Callable[[], None]
) -> None:
    await tester.opened()
    gate = tester.world.script.hold("remove")
    await tester.comment("/teardown")
    await gate.reached()
    await tester.stop()
    stopped_when_claimed()
    await tester.start()
    await tester.sees("Cancelled by lin.")
    assert "Its removal was started, but not finished." in await tester.living(1)
    assert (await tester.preview()).state is EnvironmentState.FAILED
