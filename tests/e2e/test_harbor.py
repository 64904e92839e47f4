"""A complete bot with Harbor: the real engine pushes through it into a real registry."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from bot.settings.model import CommentsSettings, RegistrySettings, Secret, Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import LONG
from tests.fakes.harbor.server import FakeHarbor, harbor_before
from tests.fakes.harbor.state import EVERYTHING, Account, Findings
from tests.real.parts import RegistryProcess

pytestmark = pytest.mark.docker

ROBOT, PASSWORD = "robot$chatops", "s3cret"
REPOSITORY = "previews/team/shop"
DOCKERFILE = 'FROM {base} AS runtime\nEXPOSE 8080\nCMD ["httpd", "-f", "-p", "8080", "-h", "/bin"]\n'
CONFIG = f"version: 1\ndeploy:\n  health: {{path: /sh, timeout: {LONG}}}\n"


@pytest.fixture
async def harbor(registry: RegistryProcess) -> AsyncIterator[FakeHarbor]:
    async with harbor_before(registry.host) as served:
        served.state.accounts[ROBOT] = Account(PASSWORD, EVERYTHING)
        served.state.scanner = Findings({"High": 3, "Medium": 1}, fixable=2, states=("Success",))
        yield served


@pytest.fixture
def settings(settings: Settings, harbor: FakeHarbor) -> Settings:
    registry = RegistrySettings("harbor", harbor.url, "previews", username=ROBOT, password=Secret(PASSWORD))
    return replace(
        settings,
        registry=registry,
        comments=CommentsSettings(announce=False),
    )


async def test_an_image_is_built_pushed_scanned_deployed_and_its_tags_removed(
    start: Callable[[dict[str, str]], Awaitable[BotTester]], harbor: FakeHarbor
) -> None:
    tester = await start({"Dockerfile": DOCKERFILE, ".chatops.yml": CONFIG})
    said = await tester.opened()
    tag = f"pr-1-{tester.head[:8]}"
    artifact = harbor.state.find(REPOSITORY, tag)
    harbor.state.pushed(REPOSITORY, artifact.digest, "v1.0", artifact.media_type, artifact.size)
    await tester.push()
    await tester.idle()
    assert len(harbor.state.artifacts[REPOSITORY]) == 2

    assert f"`{tag}` `{artifact.digest[:19]}`" in said
    assert "漏洞：3 个高危、1 个中危（2 个可修复）" in said
    assert harbor.state.public["previews"] == "false"

    await tester.merge()
    await tester.read_all()

    left = {digest: one.tags for digest, one in harbor.state.artifacts[REPOSITORY].items()}
    assert left == {artifact.digest: {"v1.0"}}


class TestThreshold:
    """The same bot with a threshold for vulnerabilities."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, registry=replace(settings.registry, fail_on="high"))

    async def test_an_image_over_the_threshold_is_not_deployed(
        self, start: Callable[[dict[str, str]], Awaitable[BotTester]], harbor: FakeHarbor
    ) -> None:
        tester = await start({"Dockerfile": DOCKERFILE, ".chatops.yml": CONFIG})
        said = await tester.opened()

        assert "镜像漏洞超出门槛" in said
        assert "“高危”及以上级别的有 3 个" in said
        assert "test.example.com" not in said
