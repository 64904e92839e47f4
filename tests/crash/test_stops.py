"""A stop during the tests of a run; the engine of these tests removes nothing by itself."""

from bot.model.run import RunState
from tests.crash.scene import Scene
from tests.dialogue.tester import REPO


async def test_the_suite_of_a_cancelled_run_is_removed_from_its_runner(
    lone_scene: Scene,
) -> None:
    scene = lone_scene
    await scene.start()
    gate = scene.engine.hold("test")
    number = await scene.open()
    await gate.reached()
    assert len(scene.engine.suites) == 1
    await scene.gitee.comment(REPO, number, "/cancel", by="lin")
    await scene.idle()
    assert [run.state for run in scene.ledger.runs()] == [RunState.CANCELLED]
    assert scene.engine.suites == {}
