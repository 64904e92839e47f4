"""Two bots whose transactions go through PgBouncer, and whose sessions go past it."""

import pytest

from bot.model.run import RunState
from tests.crash.scene import Scene
from tests.dialogue.tester import REPO


@pytest.fixture
async def scene(shared_scene: Scene, pooled_url: str) -> Scene:
    await shared_scene.start(2, store={"url": pooled_url, "lock_url": shared_scene.store_url})
    return shared_scene


async def test_bots_behind_a_pooler_share_work_and_take_it_over(scene: Scene) -> None:
    for _ in range(4):
        await scene.open()
    await scene.idle()
    gate = scene.engine.hold("build")
    await scene.open()
    await gate.reached()
    busy = scene.busy_replica()
    (other,) = [replica for replica in scene.replicas if replica is not busy]
    await busy.kill()
    await scene.until(lambda: scene.engine.calls[-1].pid == other.pid)
    await scene.idle()
    assert {run.state for run in scene.ledger.runs()} == {RunState.PASSED}
    assert len(scene.comments("chatops:run=")) == len(scene.ledger.runs()) == 5
    assert scene.engine.overlaps == []


async def test_a_stop_reaches_the_other_bot_through_the_pooler(scene: Scene) -> None:
    scene.engine.hold("build")
    number = await scene.open()
    await scene.until(scene.engine.under_way)
    busy = scene.busy_replica()
    scene.send_webhooks_only_to(next(replica for replica in scene.replicas if replica is not busy))
    await scene.gitee.comment(REPO, number, "/cancel", by="lin")
    await scene.until(lambda: not scene.engine.under_way())
    await scene.idle()
    assert [run.state for run in scene.ledger.runs()] == [RunState.CANCELLED]
