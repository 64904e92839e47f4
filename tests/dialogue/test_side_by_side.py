"""A preview answers until the next deployment does, and after that has failed."""

from datetime import timedelta
from typing import Any

import pytest

from bot.core.runs.fencing import holder_of
from bot.model.environment import EnvironmentState
from bot.model.errors import RetryLater, TellUser
from bot.model.reason import Reason
from tests.dialogue.offline import OfflineTester, visitor
from tests.fakes.adapters import Gate

EXITED = TellUser(Reason.CONTAINER_EXITED, {"name": "app", "code": "4"})
AWAY = RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": "no answer"})
REPLACE = "version: 1\ndeploy: {replace: true}\n"


async def asked(tester: OfflineTester, path: str) -> Any:
    async with visitor(tester.bot.listeners.web.url) as client:
        return (await client.get(f"/api/v1{path}")).json()


@pytest.fixture
async def first(tester: OfflineTester) -> str:
    """Deploy a first commit and return it."""
    assert "Preview ready" in await tester.opened()
    return tester.head


async def held(tester: OfflineTester, operation: str) -> Gate:
    """Push a commit, and hold its run at an operation."""
    gate = tester.world.script.hold(operation)
    await tester.push()
    await gate.reached()
    return gate


def deployed_by(tester: OfflineTester) -> list[int]:
    """Return the runs whose deployments exist, the newest first."""
    world = tester.world
    there = (*world.deployed.values(), *world.former.values())
    return [holder_of(spec.labels).run for spec in there]


async def test_a_failed_deployment_leaves_the_preview_and_says_so(tester: OfflineTester, first: str) -> None:
    tester.world.script.fail("deploy", EXITED)
    await tester.push()

    said = await tester.living(2)
    assert "Deploy failed" in said
    assert f"The preview still shows commit `{first[:8]}`." in said
    assert first[:8] in await tester.says("/status")
    preview = await tester.preview()
    assert (preview.state, preview.sha, preview.run) == (EnvironmentState.READY, first, 1)
    [shown] = (await asked(tester, "/environments"))["environments"]
    assert (shown["state"], shown["sha"]) == ("ready", first)
    assert [step["serving_sha"] for step in (await asked(tester, "/runs/2"))["steps"]] == ["", first, ""]
    assert deployed_by(tester) == [1]
    await tester.sweep()
    assert deployed_by(tester) == [1]

    newest = await tester.push()
    assert "Preview ready" in await tester.living(3)
    assert "still shows" not in await tester.living(3)
    preview = await tester.preview()
    assert (preview.state, preview.sha, preview.run) == (EnvironmentState.READY, newest, 3)
    assert deployed_by(tester) == [3]
    await tester.read_all()


async def test_the_preview_answers_until_the_next_deployment_does(tester: OfflineTester, first: str) -> None:
    before = await tester.preview()
    deploying = await held(tester, "deploy")
    assert await tester.preview() == before

    retiring = tester.world.script.hold("retire")
    deploying.open()
    await retiring.reached()
    after = await tester.preview()
    assert (after.state, after.sha, after.host) == (EnvironmentState.READY, tester.head, before.host)
    assert after.expires_at > before.expires_at
    assert deployed_by(tester) == [2, 1], "visitors get the answers that they wait for"

    retiring.open()
    assert "Preview ready" in await tester.living(2)
    assert deployed_by(tester) == [2]


async def test_an_extension_during_the_deployment_counts(tester: OfflineTester) -> None:
    await tester.configure("version: 1\ndeploy: {ttl: 8h}\n")
    await tester.opened()
    gate = await held(tester, "deploy")
    extended = (await tester.preview()).expires_at + timedelta(days=2)
    await tester.comment("/extend 2d")

    async def stored() -> bool:
        return (await tester.preview()).expires_at == extended

    await tester.until(stored)
    gate.open()

    assert "Preview ready" in await tester.living(2)
    assert (await tester.preview()).expires_at == extended
    await tester.sees("lives until")


async def test_a_cancelled_deployment_leaves_the_preview(tester: OfflineTester, first: str) -> None:
    await held(tester, "deploy")
    await tester.comment("/cancel")

    assert f"The preview still shows commit `{first[:8]}`." in await tester.living(2)
    await tester.sees("Stopping #2")
    assert (await tester.preview()).state is EnvironmentState.READY
    assert (deployed_by(tester), tester.world.removed) == ([1], [])


async def test_a_deployment_that_replaces_the_preview(tester: OfflineTester) -> None:
    await tester.configure(REPLACE)
    await tester.opened()
    tester.world.script.fail("deploy", EXITED)
    await tester.push()

    assert "still shows" not in await tester.living(2)
    assert (await tester.preview()).state is EnvironmentState.FAILED


async def test_without_memory_for_both_the_preview_is_replaced(tester: OfflineTester, first: str) -> None:
    tester.world.room = False
    tester.world.script.fail("deploy", EXITED)
    await tester.push()

    assert "still shows" not in await tester.living(2)
    assert (await tester.preview()).state is EnvironmentState.FAILED
    assert any("no memory for two deployments" in note for note in tester.world.logs[2, "deploy"].notes)


@pytest.mark.parametrize("operation", ["has_room", "deploy"])
async def test_a_bot_that_is_killed_before_the_takeover_continues(
    tester: OfflineTester, first: str, operation: str
) -> None:
    await held(tester, operation)
    await tester.stop()
    assert deployed_by(tester) == [1]

    await tester.start()

    assert "Preview ready" in await tester.living(2)
    assert (deployed_by(tester), tester.world.removed) == ([2], [])


async def test_a_bot_that_is_killed_after_the_takeover_does_not_deploy_again(
    tester: OfflineTester, first: str
) -> None:
    await held(tester, "retire")
    await tester.stop()
    before = tester.world.deployed.copy()
    assert deployed_by(tester) == [2, 1]

    await tester.start()

    assert "Preview ready" in await tester.living(2)
    assert (tester.world.deployed, deployed_by(tester)) == (before, [2])


async def test_a_stop_after_the_takeover_leaves_the_new_deployment(tester: OfflineTester, first: str) -> None:
    await held(tester, "retire")
    await tester.comment("/cancel")
    await tester.sees("Stopping #2")
    await tester.stop()

    await tester.start()

    await tester.living(2)
    preview = await tester.preview()
    assert (preview.state, preview.run) == (EnvironmentState.READY, 2)
    await tester.sweep()
    assert deployed_by(tester) == [2]


async def test_the_sweep_removes_what_could_not_be_retired(tester: OfflineTester, first: str) -> None:
    tester.world.script.fail("retire", AWAY)
    await tester.push()
    assert "Preview ready" in await tester.living(2)
    assert deployed_by(tester) == [2, 1]

    await tester.sweep()

    assert deployed_by(tester) == [2]


async def test_a_teardown_removes_both(tester: OfflineTester, first: str) -> None:
    tester.world.script.fail("retire", AWAY)
    await tester.push()
    assert "Preview ready" in await tester.living(2)

    assert "torn down" in await tester.says("/teardown")

    assert deployed_by(tester) == []
