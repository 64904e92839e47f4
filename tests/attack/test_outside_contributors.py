"""Attacks by comments of people without write access: they must not make the bot write or call much."""

import time
from typing import Any

import pytest

from playground.faults import Fault
from tests.crash.scene import Scene
from tests.dialogue.tester import REPO

TEN = "/help build\n/help deploy\n/status\n/logs\n/help test\n/deploy\n/cancel 1\n/biuld\n/tset\n/help"
HOSTILE = {
    "ten commands": TEN,
    "ten times one command": "/status\n" * 10,
    "eleven refusals": "\n".join(f"/deploy nowhere{number}" for number in range(11)),
    "near misses only": "/biuld\n/depoly\n/tset\n/hlep\n/statsu",
    "two mistakes of each kind": "/test 'a\n/test 'b\n/cancel x\n/cancel y\n/nope\n/help nope\n/help nada",
    "English and Chinese": "/help\n/帮助\n/状态\n/status\n／帮助　部署",
}


async def opened(scene: Scene, *, by: str = "mei", **comments: Any) -> int:
    """Start a bot, and open a pull request on which nothing runs."""
    if by != "stranger":
        await scene.gitee.commit(REPO, "master", {".chatops.yml": "version: 1\non: {open: []}\n"}, by="lin")
    # A sweep makes calls of its own, the more the longer a test takes.
    settings = {"language": "en", "announce": False, **comments}
    await scene.start(comments=settings, sweep={"enabled": False})
    return await scene.gitee.open_pull(
        REPO, "work", files={"app.py": "print(1)\n"}, by=by, title="Add a cart", from_fork=by == "stranger"
    )


async def answered(scene: Scene, number: int, *bodies: str, by: str = "stranger") -> list[str]:
    """Write comments, and return the comments of the bot that follow."""
    before = len(scene.comments())
    for body in bodies:
        await scene.gitee.comment(REPO, number, body, by=by)
    await scene.idle()
    return scene.comments()[before:]


def counted(scene: Scene, method: str = "*") -> Fault:
    """Return a counter of the calls of the API from now on, without those that an earlier one counts."""
    return scene.gitee.faults.add(method, "/api/v5/", times=1_000_000)


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_one_comment_gets_at_most_one_answer(lone_scene: Scene, body: str) -> None:
    number = await opened(lone_scene)
    assert len(await answered(lone_scene, number, body)) == 1
    [said] = await answered(lone_scene, number, "/status", by="lin")
    assert "No environment is running" in said


async def test_a_hundred_comments_get_as_many_answers_as_the_settings_say(lone_scene: Scene) -> None:
    number = await opened(lone_scene, answers=4)
    # What is as old as the bot, in Gitee's whole seconds, may have been answered before: it is searched for.
    started = int(time.time())
    await lone_scene.until(lambda: int(time.time()) > started)
    await lone_scene.idle()
    posts, others = counted(lone_scene, "POST"), counted(lone_scene)
    said = await answered(lone_scene, number, *[TEN] * 100)
    assert len(said) == 4
    assert ["Until" in one for one in said] == [False, False, False, True]
    assert posts.hits + others.hits <= 2 * 100 + 4 * 10, "a comment that is not answered costs two calls"
    assert posts.hits == 4
    [helped] = await answered(lone_scene, number, "/status", by="lin")
    assert "No environment is running" in helped


async def test_a_restart_grants_no_further_answers(lone_scene: Scene) -> None:
    number = await opened(lone_scene, answers=2)
    assert len(await answered(lone_scene, number, *["/status"] * 3)) == 2
    [replica] = lone_scene.replicas
    await replica.kill()
    replica.start()
    await replica.ready()
    assert await answered(lone_scene, number, *["/status"] * 3) == []


async def test_several_replicas_share_one_limit(shared_scene: Scene) -> None:
    number = await opened(shared_scene, answers=3)
    await shared_scene.start(comments={"language": "en", "announce": False, "answers": 3})
    assert len(await answered(shared_scene, number, *["/status"] * 20)) == 3


async def test_a_hundred_comments_that_get_no_answer_cost_little(lone_scene: Scene) -> None:
    number = await opened(lone_scene, strangers="silent", answers=4)
    await lone_scene.idle()
    calls = counted(lone_scene)
    assert await answered(lone_scene, number, *["/help"] * 100) == []
    assert calls.hits <= 2 * 100 + 4 * 10
    [said] = await answered(lone_scene, number, "/status", by="lin")
    assert "No environment is running" in said


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_outside_contributors_can_be_left_unanswered(lone_scene: Scene, body: str) -> None:
    number = await opened(lone_scene, by="stranger", strangers="silent")
    await lone_scene.idle()
    assert await answered(lone_scene, number, body) == []
    assert len(lone_scene.comments("Nothing has run yet")) == 1
    [said] = await answered(lone_scene, number, "/status", by="lin")
    assert "not trusted yet" in said


async def pushed(scene: Scene, number: int, times: int) -> list[str]:
    """Push as the stranger; return the ids, oldest first."""
    shas = [
        await scene.gitee.push(REPO, number, {"app.py": f"print({time})\n"}, by="stranger")
        for time in range(times)
    ]
    await scene.idle()
    return shas


async def test_a_hundred_pushes_get_as_many_requests_as_the_settings_say(lone_scene: Scene) -> None:
    number = await opened(lone_scene, by="stranger", answers=4)
    await lone_scene.idle()
    posts, others = counted(lone_scene, "POST"), counted(lone_scene)
    shas = await pushed(lone_scene, number, 100)
    assert len(lone_scene.comments("Nothing has run yet")) <= 4
    assert posts.hits + others.hits <= 2 * 100 + 4 * 15, "a push that gets no request costs two calls"
    assert posts.hits <= 4
    [said] = await answered(lone_scene, number, "/ok-to-test", by="lin")
    assert f"`/ok-to-test {shas[-1]}`" in said
    approved = await answered(lone_scene, number, f"/ok-to-test {shas[-1]}", by="lin")
    assert "approved commit" in approved[0]


async def test_five_pushes_and_many_labels_get_a_request_for_each_commit(lone_scene: Scene) -> None:
    number = await opened(lone_scene, by="stranger", answers=6)
    await lone_scene.idle()
    for name in ("bug", "help wanted", "question", "docs", "tests", "later", "now"):
        await lone_scene.gitee.label(REPO, number, [name], by="lin")
        await lone_scene.idle()
    for _ in range(5):
        [sha] = await pushed(lone_scene, number, 1)
        assert f"\n/ok-to-test {sha}\n" in lone_scene.comments()[-1]
