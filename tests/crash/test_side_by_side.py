"""A bot is killed while one deployment takes over from another; the one that answers is always there."""

import pytest

from bot.model.run import RunState
from tests.crash.scene import Scene
from tests.dialogue.tester import CHANGE, REPO


@pytest.mark.parametrize("operation", ["build", "deploy", "retire"])
async def test_a_kill_during_a_redeployment_ends_with_one_deployment(
    lone_scene: Scene, operation: str
) -> None:
    scene, engine = lone_scene, lone_scene.engine
    (bot,) = await scene.start()
    number = await scene.open()
    await scene.idle()
    (key,) = engine.environments
    gate = engine.hold(operation)
    await scene.gitee.push(REPO, number, dict(CHANGE) | {"more.py": ""}, by="mei")
    await gate.reached()
    assert engine.former.keys() == (set() if operation == "build" else {key})

    await bot.kill()
    bot.start()
    await scene.idle()

    first, second = sorted(scene.ledger.runs(), key=lambda run: run.id)
    assert (first.state, second.state) == (RunState.PASSED, RunState.PASSED)
    assert (engine.environments[key].holder.run, engine.former) == (second.id, {})
    assert scene.ledger.ready() == {key}
    again = operation != "retire"
    assert engine.environments[key].holder.attempt == again, "what has taken over is not deployed again"
