"""Failures that people meet, met with the real engine: what the comment says must help."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import docker
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.run import RunState
from bot.settings.model import Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import RUNTIME, SERVE

pytestmark = pytest.mark.docker

Start = Callable[[dict[str, str]], Awaitable[BotTester]]

HEALTH = "deploy:\n  health: {path: /, timeout: 20}\n"
BOMB = '<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>'
TESTS = "FROM runtime AS test\n"


async def told(start: Start, files: dict[str, str]) -> str:
    """Return what the bot says of a pull request to this repository."""
    bot = await start(files)
    await bot.open()
    return await bot.read()


@pytest.mark.parametrize(
    ("dockerfile", "words"),
    [
        pytest.param("FROM {base}\nRNU true\n", ("RNU",), id="syntax error"),
        pytest.param(
            "FROM {base}\nRUN echo 'no such header' && exit 3\n", ("no such header", "3"), id="failing RUN"
        ),
        pytest.param("FROM {registry}/nothing:1\n", ("/nothing:1",), id="missing base image"),
        pytest.param(
            f'{RUNTIME}CMD ["sh", "-c", "echo no config; exit 7"]\n', ("no config", "7"), id="exits at once"
        ),
        pytest.param(RUNTIME + 'CMD ["sleep", "600"]\n', ("health check within 2 s",), id="never healthy"),
    ],
)
async def test_a_failure_is_told_with_its_cause(
    start: Start, dockerfile: str, words: tuple[str, ...]
) -> None:
    config = "version: 1\ndeploy:\n  port: 8080\n  health: {path: /, timeout: 2}\n"
    said = await told(start, {"Dockerfile": dockerfile, ".chatops.yml": config})
    for word in words:
        assert word in said, said


async def test_a_missing_dockerfile_is_named_when_somebody_asks(start: Start) -> None:
    bot = await start({})
    await bot.open()
    await bot.says_nothing()
    await bot.comment("/build")
    assert "`Dockerfile`" in await bot.read()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param("true", ("/reports",), id="no report"),
        pytest.param("echo nothing to see; exit 5", ("5", "/reports"), id="no report and failed"),
        pytest.param("echo '<testsuite><testca' > $JUNIT_PATH", ("junit.xml",), id="not XML"),
        pytest.param(
            "echo '<!DOCTYPE a [<!ENTITY b \"c\">]><testsuite/>' > $JUNIT_PATH", ("junit.xml",), id="entities"
        ),
        pytest.param("sleep 60", ("1",), id="too long"),
    ],
)
async def test_tests_that_do_not_report_are_told_so(
    start: Start, command: str, words: tuple[str, ...]
) -> None:
    config = f"version: 1\n{HEALTH}test:\n  timeout: 1\n  command: {json.dumps(command)}\n"
    said = await told(
        start, {"Dockerfile": f"{RUNTIME}{SERVE}\n{TESTS}VOLUME /reports\n", ".chatops.yml": config}
    )
    for word in words:
        assert word in said, said


async def test_cancel_stops_the_build_in_the_engine(
    start: Start, sdk: docker.DockerClient, settings: Settings
) -> None:
    bot = await start({"Dockerfile": "FROM {base}\nRUN echo begun; sleep 300\n"})
    await bot.open()

    async def building() -> bool:
        log = settings.server.data_dir / "runs" / "1" / "build.log"
        return log.exists() and "begun" in log.read_text()

    await bot.until(building)
    asked = asyncio.get_running_loop().time()
    await bot.comment("/cancel")
    await bot.settled()
    assert asyncio.get_running_loop().time() - asked < 5
    run = await bot.bot.store.runs.run(1)
    assert run is not None
    assert run.state is RunState.CANCELLED
    assert "sleep 300" not in str([container.attrs for container in sdk.containers.list()])
    assert len(await bot.read_all()) == 2


async def test_closing_leaves_nothing_in_engine_or_registry(
    start: Start, sdk: docker.DockerClient, instance: str
) -> None:
    config = f"version: 1\n{HEALTH}"
    bot = await start({"Dockerfile": f"{RUNTIME}{SERVE}\n", ".chatops.yml": config})
    await bot.open()
    assert "http://pr-1-shop.test.example.com" in await bot.read()
    wanted: Any = {"label": f"{LABEL_INSTANCE}={instance}"}
    assert len(sdk.containers.list(filters=wanted)) == 1
    await bot.gitee.close("team/shop", bot.number, by="mei")
    assert "preview" in await bot.read()
    assert sdk.containers.list(all=True, filters=wanted) == []
    assert sdk.networks.list(filters=wanted) == []
    assert sdk.images.list(filters=wanted) == []
