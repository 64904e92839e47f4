"""Data of services that outlives deployments, and /reset."""

import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec
from tests.dialogue.offline import OfflineTester

CONFIG = """\
version: 1
services: {db: {image: "postgres:16", volumes: [/data]}}
deploy: {data: keep, environments: {staging: {}}}
"""
FAILED = TellUser(Reason.CONTAINER_EXITED, {"name": "app", "code": "1"})


@pytest.fixture
async def configured(tester: OfflineTester) -> OfflineTester:
    await tester.configure(CONFIG)
    return tester


def deployed(tester: OfflineTester, name: str = "preview") -> EnvironmentSpec:
    return next(spec for key, spec in tester.world.deployed.items() if key.name == name)


async def test_a_deployment_with_data_replaces_the_former_one(configured: OfflineTester) -> None:
    assert "Preview ready" in await configured.opened()
    await configured.push()
    assert "Preview ready" in await configured.living(2)

    spec = deployed(configured)
    assert (spec.keeps_data, spec.renews_data, spec.beside) == (True, False, None)
    assert configured.world.former == {}
    assert configured.world.retired == [], "it would remove data"
    assert "its data is kept" in "\n".join(configured.world.logs[2, "deploy"].notes)


async def test_by_default_nothing_is_kept(tester: OfflineTester) -> None:
    await tester.opened()
    assert not deployed(tester).keeps_data


async def test_a_reset_deploys_without_the_data(configured: OfflineTester) -> None:
    await configured.opened()
    await configured.comment("/reset")

    assert "Preview ready" in await configured.living(2)
    assert deployed(configured).renews_data

    await configured.comment("/deploy")
    assert "Preview ready" in await configured.living(3)
    assert not deployed(configured).renews_data


async def test_a_reset_in_chinese_of_a_named_environment(configured: OfflineTester) -> None:
    await configured.opened()
    await configured.comment("/deploy staging")
    await configured.living(2)
    await configured.comment("/重置 env=staging")
    await configured.living(3)

    assert deployed(configured, "staging").renews_data
    assert not deployed(configured).renews_data


async def test_a_stranger_resets_nothing(configured: OfflineTester) -> None:
    await configured.opened()
    assert "stranger may not run this command" in await configured.says("/reset", by="stranger")
    assert len(await configured.runs()) == 1


async def test_cancelling_leaves_the_data_and_closing_does_not(
    configured: OfflineTester,
) -> None:
    await configured.opened()
    gate = configured.world.script.hold("deploy")
    await configured.push()
    await gate.reached()
    await configured.comment("/cancel")
    assert "| Deploy | cancelled |" in await configured.living(2)
    assert [key.name for key in configured.world.removed] == ["preview"]
    assert configured.world.data_removed == []

    await configured.close()
    await configured.idle()
    await configured.read_all()
    assert [key.name for key in configured.world.data_removed] == ["preview"]
