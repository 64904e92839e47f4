"""A deployment whose data is prepared first: what the comment says when that fails or is cancelled."""

import pytest

from bot.model.environment import EnvironmentState
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.steps import dispatch
from tests.dialogue.offline import OfflineTester
from tests.dialogue.test_timeouts import Deadlines, deadlines

__all__ = ["deadlines"]

CONFIG = "version: 1\ndeploy: {setup: [./migrate, './seed 10'], setup_timeout: 77, health: {timeout: 5}}\n"
FAILED = TellUser(
    Reason.SETUP_FAILED,
    {"name": "setup", "command": "./migrate", "code": "3"},
    log="applying 0002\nOperationalError: no such table: orders",
)


@pytest.fixture
async def configured(tester: OfflineTester) -> OfflineTester:
    await tester.configure(CONFIG)
    return tester


async def test_a_deployment_gets_the_commands_and_the_time_for_them(
    configured: OfflineTester, deadlines: Deadlines
) -> None:
    assert "Preview ready" in await configured.opened()

    [spec] = configured.world.deployed.values()
    assert [one.run for one in spec.setup.commands] == ["./migrate", "./seed 10"]
    assert spec.setup.timeout == 77
    assert 5 + 2 * 77 + dispatch.MARGIN in deadlines.given


async def test_the_first_line_says_why_the_setup_failed_and_a_sentence_which_command(
    configured: OfflineTester,
) -> None:
    assert "Preview ready" in await configured.opened()
    before = configured.head
    configured.world.script.fail("deploy", FAILED)
    await configured.push()

    said = await configured.living(2)
    assert said.startswith("❌ **Deploy failed** · `OperationalError: no such table: orders` · ")
    assert "The setup command `./migrate` failed with exit code 3, so the service was not started." in said
    assert f"The preview still shows commit `{before[:8]}`." in said
    assert "applying 0002" in said
    assert "`/deploy` (run it again)" in said
    preview = await configured.preview()
    assert (preview.state, preview.sha) == (EnvironmentState.READY, before)


async def test_a_cancelled_setup_leaves_nothing(configured: OfflineTester) -> None:
    gate = configured.world.script.hold("deploy")
    await configured.open()
    await gate.reached()
    await configured.comment("/cancel")

    assert "| Deploy | cancelled |" in await configured.living(1)
    await configured.sees("Stopping #1, as lin asked.")
    assert configured.world.deployed == {}


async def test_a_mistake_in_the_commands_is_answered_with_its_place(tester: OfflineTester) -> None:
    await tester.configure("version: 1\ndeploy:\n  setup: python3 manage.py migrate\n")
    await tester.open()

    said = await tester.read()
    assert "Line 3, column 10, `deploy.setup`: Expected a list such as" in said
    assert ">    3 |   setup: python3 manage.py migrate" in said
