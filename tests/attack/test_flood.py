"""Floods of forged deliveries with captured headers, at a real `chatops serve` and an offline Gitee."""

import asyncio
import json

from bot.gitee.signature import MOST_USES
from tests.attack.raw import post, send, signed, stamp
from tests.crash.scene import Scene
from tests.dialogue.tester import REPO

FORGED = 240
AT_ONCE = 10.0
"""Seconds for an answer on a busy machine."""
LOOKUP = 1.0
"""Seconds that Gitee takes to say that there is no such pull request; 16 at once would take 15 for all."""


def update(number: int) -> bytes:
    """Return the body of a webhook about a push to a pull request."""
    pull = {"number": number, "updated_at": "2026-03-01T12:00:00+08:00", "head": {"sha": "ab" * 20}}
    repository = {"path_with_namespace": REPO}
    event = {"hook_name": "merge_request_hooks", "action": "update", "repository": repository}
    return json.dumps({**event, "pull_request": pull}).encode()


def flood(port: int) -> set[int]:
    """Send as many forged deliveries as a few dozen captured headers are good for."""
    event = {"X-Gitee-Event": "Merge Request Hook"}
    latest = int(stamp(-60))  # no true webhook has these
    captured = [signed(str(latest - index), **event) for index in range(FORGED // MOST_USES)]
    return {
        send(port, post(update(5000 + index), captured[index // MOST_USES]))
        for index in range(len(captured) * MOST_USES)
    }


async def test_a_command_is_answered_at_once_after_a_flood(lone_scene: Scene) -> None:
    [replica] = await lone_scene.start()
    number = await lone_scene.open()
    await lone_scene.until(lambda: lone_scene.comments("Preview ready"))
    lone_scene.gitee.faults.add("GET", r"/pulls/5\d\d\d$", times=2 * FORGED, delay=LOOKUP)
    assert await asyncio.to_thread(flood, replica.port) == {200}
    await lone_scene.gitee.comment(REPO, number, "/help", by="lin")
    await lone_scene.until(lambda: lone_scene.comments("`/teardown"), patience=AT_ONCE)
    assert sum(state == "pending" for state in lone_scene.ledger.deliveries().values()) > 0
    # A pull request that the bot does not know yet is served, too.
    lone_scene.gitee.faults.clear()
    await lone_scene.open()
    await lone_scene.until(lambda: len(lone_scene.comments("Preview ready")) == 2)
    assert "Traceback" not in replica.log.read_text()
