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
    assert "The build has no `logo.png`: Gitee does not have its content" in said


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


def suite(inner: str, **attributes: object) -> str:
    totals = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return f'<testsuite name="unit"{totals}>{inner}</testsuite>'


FAILURE = '<testcase name="adds"><failure message="2 != 3"/></testcase>'
ONCE_MORE = suite(FAILURE + '<testcase name="adds"/>')
XUNIT = '<assemblies><test type="T" name="T.adds" result="Pass"/></assemblies>'
TRX = '<TestRun><Results><UnitTestResult testName="adds" outcome="Passed"/></Results></TestRun>'


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        pytest.param(
            {"TEST-a.xml": suite(FAILURE), "TEST-b.xml": "", "TEST-c.xml": suite(FAILURE)[:60]},
            1,
            (
                "1 of 1 tests failed",
                "unit::adds",
                "TEST-b.xml",
                "`empty`",
                "TEST-c.xml",
                "exited with code 1",
            ),
            id="empty and cut off",
        ),
        pytest.param(
            {"coverage.xml": "<coverage/>"},
            0,
            ("✅ **Preview ready**", "Found `/reports/coverage.xml`, but no test report"),
            id="coverage",
        ),
        pytest.param({"xunit.xml": XUNIT, "vs.TRX": TRX}, 0, ("✅", "2 tests passed"), id="dotnet"),
        pytest.param(
            {"junit.xml": "<testsuites/>"},
            0,
            ("⚠️ **Preview ready, no test ran**", "| Test | skipped |"),
            id="no test",
        ),
        pytest.param(
            {"junit.xml": suite("", tests=6, failures=1)}, 0, ("❌ **1 of 6 tests failed**",), id="totals"
        ),
        pytest.param({"junit.xml": ONCE_MORE}, 0, ("✅", "1 test passed", "1 flaky"), id="repeated"),
        pytest.param({"junit.xml": ONCE_MORE}, 1, ("❌ **1 of 2 tests failed**",), id="repeated in vain"),
    ],
)
async def test_what_test_tools_leave(
    start: Start, files: dict[str, str], code: int, words: tuple[str, ...]
) -> None:
    stage = f"{TESTS}VOLUME /reports\nCOPY reports /made\nCMD cp /made/* /reports/; exit {code}\n"
    made = {f"reports/{name}": text for name, text in files.items()}
    said = await comment_on(
        start, {"Dockerfile": f"{RUNTIME}{SERVE}\n{stage}", ".chatops.yml": f"version: 1\n{HEALTH}", **made}
    )
    for word in words:
        assert word in said, said


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        pytest.param(
            "RUN test -d /", ("✅ **Preview ready**", "The tests ran while the stage `test`"), id="RUN"
        ),
        pytest.param(
            "RUN echo 2 != 3; exit 4", ("❌ **Tests failed**", "with exit code 4"), id="failing RUN"
        ),
        pytest.param("ENV CI=1", ("⚠️ **Preview ready, no test ran**", "Nothing was tested"), id="nothing"),
    ],
)
async def test_a_test_stage_without_a_command_is_not_started(
    start: Start, stage: str, words: tuple[str, ...]
) -> None:
    said = await comment_on(
        start,
        {"Dockerfile": f"{RUNTIME}{SERVE}\n{TESTS}{stage}\n", ".chatops.yml": f"version: 1\n{HEALTH}"},
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
