"""A stop that meets a run in its tests: the engine of these tests forgets nothing by itself."""

from bot.model.run import RunState
from tests.crash.scene import Scene
from tests.dialogue.tester import REPO


async def test_a_suite_of_a_run_that_was_cancelled_is_not_left_at_its_runner(
    lone_scene: Scene,
) -> None:
    scene = lone_scene
    await scene.start()
    gate = scene.engine.hold("test")
    number = await scene.open()
    await gate.reached()
    assert len(scene.engine.suites) == 1
    await scene.gitee.comment(REPO, number, "/cancel", by="lin")
    await scene.settled()
    assert [run.state for run in scene.ledger.runs()] == [RunState.CANCELLED]
    assert scene.engine.suites == set()
