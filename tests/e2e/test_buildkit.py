"""A complete bot that builds with BuildKit through a fake client, and pushes to Harbor."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from bot.settings.model import BuildKitSettings, CommentsSettings, RegistrySettings, Secret, Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import LONG
from tests.fakes.buildctl import calls, install
from tests.fakes.harbor.server import FakeHarbor, harbor_before
from tests.fakes.harbor.state import Account
from tests.real.parts import RegistryProcess

pytestmark = pytest.mark.docker

ROBOT, PASSWORD = "robot$chatops", "s3cret"
DOCKERFILE = """\
FROM {base} AS runtime
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/bin"]
FROM runtime AS test
RUN mkdir /reports
VOLUME /reports
CMD echo '<testsuite name="unit"><testcase name="adds"/></testsuite>' > "$JUNIT_PATH"
"""
CONFIG = f"version: 1\nbuild: {{runner: kubernetes}}\ndeploy:\n  health: {{path: /sh, timeout: {LONG}}}\n"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = install(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return program


@pytest.fixture
async def harbor(registry: RegistryProcess) -> AsyncIterator[FakeHarbor]:
    async with harbor_before(registry.host) as served:
        served.state.accounts[ROBOT] = Account(PASSWORD)
        yield served


@pytest.fixture
def settings(settings: Settings, harbor: FakeHarbor, daemon: str, client: Path) -> Settings:
    registry = RegistrySettings("harbor", harbor.url, "previews", username=ROBOT, password=Secret(PASSWORD))
    return replace(
        settings,
        buildkit=BuildKitSettings(daemon, cache=True),
        registry=registry,
        comments=CommentsSettings(announce=False),
    )


async def test_an_image_built_by_buildkit_is_deployed_and_tested(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
    harbor: FakeHarbor,
    client: Path,
    sdk: docker.DockerClient,
) -> None:
    tester = await start({"Dockerfile": DOCKERFILE, ".chatops.yml": CONFIG})
    said = await tester.opened()

    tag = f"pr-1-{tester.head[:8]}"
    artifact = harbor.state.find("previews/team/shop", tag)
    assert f"`{tag}` `{artifact.digest[:19]}` " in said
    assert "1 通过" in said
    assert "预览已就绪" in said or "预览环境已就绪" in said
    service, tests = calls(client)
    assert "target=runtime" in service
    assert "target=test" in tests
    assert f"label:chatops.sha={tester.head}" in service
    cache = f"type=registry,ref={harbor.host}/previews/team/shop:buildcache,registry.insecure=true"
    assert cache in service

    assert await _pulled(sdk, harbor)
    await tester.merge()
    await tester.read_all()
    assert await _pulled(sdk, harbor) == []
    assert harbor.state.artifacts["previews/team/shop"] == {}


async def _pulled(sdk: docker.DockerClient, harbor: FakeHarbor) -> list[str]:
    """Return the images of this Harbor in the engine."""
    name = f"{harbor.host}/previews/team/shop"
    return [str(image.id) for image in await asyncio.to_thread(sdk.images.list, name)]
