"""Common failures, with the real engine: the comment must help."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import docker
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.run import RunState
from bot.settings.model import Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import LONG, RUNTIME, SERVE
from tests.real.long_command import LongCommand

pytestmark = pytest.mark.docker

Start = Callable[[dict[str, str]], Awaitable[BotTester]]

SHORT = 2
"""A timeout in seconds for steps that never end."""
BOMB = '<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>'
HEALTH = f"deploy:\n  health: {{path: /, timeout: {LONG}}}\n"
TESTS = "FROM runtime AS test\n"


async def comment_on(start: Start, files: dict[str, str]) -> str:
    """Return the bot's comment under a pull request to this repository."""
    bot = await start(files)
    await bot.open()
    return await bot.read()


@pytest.mark.parametrize(
    ("dockerfile", "seconds", "words"),
    [
        pytest.param("FROM {base}\nRNU true\n", LONG, ("RNU",), id="syntax error"),
        pytest.param(
            "FROM {base}\nRUN echo 'no such header' && exit 3\n",
            LONG,
            ("no such header", "with exit code 3"),
            id="failing RUN",
        ),
        pytest.param("FROM {registry}/nothing:1\n", LONG, ("/nothing:1",), id="missing base image"),
        pytest.param(
            f'{RUNTIME}CMD ["sh", "-c", "echo no config; exit 7"]\n',
            LONG,
            ("no config", "with code 7"),
            id="exits at once",
        ),
        pytest.param(
            f'{RUNTIME}CMD ["sleep", "{LONG}"]\n',
            SHORT,
            (f"health check within {SHORT} s",),
            id="never healthy",
        ),
    ],
)
async def test_a_failure_is_reported_with_its_cause(
    start: Start, dockerfile: str, seconds: int, words: tuple[str, ...]
) -> None:
    config = f"version: 1\ndeploy:\n  port: 8080\n  health: {{path: /, timeout: {seconds}}}\n"
    said = await comment_on(start, {"Dockerfile": dockerfile, ".chatops.yml": config})
    for word in words:
        assert word in said, said


async def test_a_missing_dockerfile_is_reported_on_a_command(start: Start) -> None:
    bot = await start({})
    await bot.open()
    await bot.says_nothing()
    await bot.comment("/build")
    assert "`Dockerfile`" in await bot.read()


async def test_the_advice_for_a_dockerfile_elsewhere_works(start: Start) -> None:
    copying = f"{RUNTIME}COPY greeting /www/index.html\n{SERVE}\n"
    bot = await start(
        {"app/Dockerfile": copying, "app/greeting": "hello\n", "docs/Dockerfile": "FROM nowhere\n"}
    )
    await bot.open()
    await bot.says_nothing()
    said = await bot.says("/deploy")
    assert "It has `app/Dockerfile`, `docs/Dockerfile`. To build `app/Dockerfile`, add " in said
    setting = re.search(r"`(build: {[^`]*})`", said)
    assert setting, said
    await bot.configure(f"{setting[1]}\n")
    assert "Preview ready" in await bot.opened(branch="after-the-advice")


async def test_a_file_in_lfs_that_is_not_fetched_is_named(start: Start) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 3\n"
    copying = f"{RUNTIME}COPY logo.png /www/\n{SERVE}\n"
    attributes = "*.png filter=lfs diff=lfs merge=lfs -text\n"
    files = {"logo.png": pointer, "real.png": "not a pointer"}
    said = await comment_on(start, {"Dockerfile": copying, ".gitattributes": attributes, **files})
    assert "Preview ready" in said
    assert "The build has no `logo.png`: submodules" in said


UNREADABLE = ("junit.xml", "cannot be read")


@pytest.mark.parametrize(
    ("command", "seconds", "words"),
    [
        pytest.param("true", LONG, ("exited with code 0", "/reports"), id="no report"),
        pytest.param(
            "echo nothing to see; exit 5", LONG, ("exited with code 5", "/reports"), id="no report and failed"
        ),
        pytest.param("echo '<testsuite><testca' > $JUNIT_PATH", LONG, UNREADABLE, id="not XML"),
        pytest.param(f"echo '{BOMB}' > $JUNIT_PATH", LONG, UNREADABLE, id="entities"),
        pytest.param(f"sleep {LONG}", SHORT, (f"did not finish within {SHORT} s",), id="too long"),
    ],
)
async def test_tests_without_a_report_are_reported(
    start: Start, command: str, seconds: int, words: tuple[str, ...]
) -> None:
    config = f"version: 1\n{HEALTH}test:\n  timeout: {seconds}\n  command: {json.dumps(command)}\n"
    said = await comment_on(
        start, {"Dockerfile": f"{RUNTIME}{SERVE}\n{TESTS}VOLUME /reports\n", ".chatops.yml": config}
    )
    for word in words:
        assert word in said, said


async def test_cancel_stops_the_build_in_the_engine(start: Start, settings: Settings, instance: str) -> None:
    long_command = LongCommand(instance)
    bot = await start({"Dockerfile": f"FROM {{base}}\nRUN echo begun; {long_command.command}\n"})
    await bot.open()

    async def building() -> bool:
        log = settings.server.data_dir / "runs" / "1" / "build.log"
        return log.exists() and "begun" in log.read_text() and long_command.runs

    async def stopped() -> bool:
        return not long_command.runs

    await bot.until(building)
    await bot.comment("/cancel")
    await bot.idle()
    run = await bot.bot.store.runs.run(1)
    assert run is not None
    assert run.state is RunState.CANCELLED
    # The engine stops the build shortly after the client has disconnected.
    await bot.until(stopped)
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
