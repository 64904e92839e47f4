"""Three bots as processes on one PostgreSQL, each with its own webhook."""

import asyncio
from collections import Counter

import pytest

from bot.engine.poll_loop import IDLE_POLL_SECONDS, POLL_SECONDS
from bot.engine.replicas.membership import FENCE_AFTER, RENEW_INTERVAL
from bot.model.run import RunState
from bot.store.leases import SILENT_SECONDS
from bot.store.session import SESSION_SECONDS
from tests.crash.fleet import Replica
from tests.crash.scene import Scene
from tests.dialogue.tester import REPO

TAKEN_OVER = 15.0
"""Guaranteed limit in seconds for the take-over of a dead replica's work."""
INTERRUPTED = 5.0
"""Guaranteed limit in seconds for the interruption of a step, whichever replica receives the stop."""
SILENT = "no longer lives and is evicted, its work is taken over"
"""Logged by a replica that evicts another one."""


@pytest.fixture
async def scene(shared_scene: Scene) -> Scene:
    await shared_scene.start(3)
    return shared_scene


def test_the_guaranteed_times_follow_from_the_intervals() -> None:
    """The intervals bound the times; additional time on a busy machine is not guaranteed."""
    assert RENEW_INTERVAL < FENCE_AFTER < SILENT_SECONDS < SESSION_SECONDS
    assert SESSION_SECONDS + RENEW_INTERVAL + POLL_SECONDS < TAKEN_OVER
    assert POLL_SECONDS < IDLE_POLL_SECONDS < INTERRUPTED


def states(scene: Scene) -> list[RunState]:
    return [run.state for run in scene.ledger.runs()]


async def held_run(scene: Scene) -> tuple[Replica, list[Replica]]:
    """Hold a run in its build; return its replica and the others."""
    gate = scene.engine.hold("build")
    await scene.open()
    await gate.reached()
    busy = scene.busy_replica()
    return busy, [replica for replica in scene.replicas if replica is not busy]


def only_comment(scene: Scene) -> str:
    (comment,) = scene.comments()
    return comment


async def test_an_event_that_every_replica_receives_starts_one_run(scene: Scene) -> None:
    numbers = [await scene.open() for _ in range(3)]
    for number in numbers:
        await scene.gitee.comment(REPO, number, "/test", by="lin")
    await scene.idle()
    asked = Counter((run.number, run.origin.trigger) for run in scene.ledger.runs())
    assert asked == Counter({(number, trigger): 1 for number in numbers for trigger in ("open", "comment")})
    assert set(states(scene)) == {RunState.PASSED}
    assert len(scene.comments("chatops:run=")) == len(scene.comments()) == 6
    assert scene.engine.overlaps == []
    assert len({call.pid for call in scene.engine.calls}) > 1, "the replicas share the work"


async def test_limits_hold_for_all_replicas_together(shared_scene: Scene) -> None:
    scene = shared_scene
    await scene.start(3, limits={"runs": 2, "runs_per_repository": 2})
    await asyncio.gather(*(scene.open() for _ in range(6)))
    await scene.idle()
    assert states(scene) == [RunState.PASSED] * 6
    assert scene.engine.most_at_once == 2


async def test_a_stop_received_by_one_replica_interrupts_the_step_on_another(scene: Scene) -> None:
    busy, others = await held_run(scene)
    scene.send_webhooks_only_to(others[0])
    await scene.gitee.comment(REPO, 1, "/cancel", by="lin")
    await scene.until(lambda: scene.engine.under_way() == [])
    await scene.idle()
    assert states(scene) == [RunState.CANCELLED]
    assert busy.alive


async def test_a_terminated_replica_releases_its_run_at_once(scene: Scene) -> None:
    busy, others = await held_run(scene)
    busy.terminate()
    await scene.until(lambda: len(scene.engine.calls) > 1)
    assert await busy.gone() == 0
    await scene.idle()
    assert states(scene) == [RunState.PASSED]
    assert "passed" in only_comment(scene)
    assert scene.engine.overlaps == []
    assert not any(SILENT in replica.log.read_text() for replica in others), (
        "no replica waited for an eviction"
    )
