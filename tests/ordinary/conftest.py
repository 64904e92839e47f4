"""The bot's build and deploy steps with a real engine, registry and proxy, for ordinary repositories."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import docker.errors
import pytest

from bot.core.admission.images import ImagePolicy
from bot.model.delivery import Trigger
from bot.model.environment import Endpoint
from bot.model.forge import RepoPath
from bot.model.pipeline import BuildConfig, DeployConfig, HealthConfig, RunnerName, SetupCommand
from bot.model.plan import DEFAULT_ENVIRONMENT, Build, Deploy, Plan
from bot.model.run import Origin, Run
from bot.model.text import Language
from bot.registry.base import RegistryOptions
from bot.registry.oci import OciRegistry
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.platform import DockerPlatform
from bot.sandbox.process import ProcessSandbox
from bot.steps import build, deploy
from bot.steps.context import StepAdapters, StepContext, StepEnvironment
from tests.attack.build_bench import Source
from tests.fakes.adapters import FakeWorld
from tests.fakes.log import FakeLog
from tests.fakes.snapshots import NOW
from tests.ordinary.example import Example
from tests.real.fixtures import engine, instance, sdk
from tests.real.parts import PATIENCE, RegistryProcess, tar
from tests.web.preview_proxy import proxy, service, sign_on, stack

__all__ = ["engine", "instance", "proxy", "sdk", "service", "sign_on", "stack"]

BASE = "chatops-server-base:12"
CACHE = Path(__file__).parents[2] / ".local/server-base-layers"
REPO = RepoPath("team", "shop")
PROJECT = "previews"
SHA = "ab" * 20
HOST = "pr-7-shop.preview.test"
ENVIRONMENTS = {DEFAULT_ENVIRONMENT: StepEnvironment(HOST, f"http://{HOST}", NOW)}


@pytest.fixture(scope="module")
def registry(sdk: docker.DockerClient) -> Iterator[RegistryProcess]:
    """Provide a registry that has the layers of the base image, whose compression takes half a minute.

    An earlier run has kept them, and the engine remembers their digests.
    """
    try:
        base = sdk.images.get(BASE)
    except docker.errors.ImageNotFound:
        pytest.fail(f"{BASE} is missing in the engine: run `make setup-test`")
    kept = CACHE / str(base.id).removeprefix("sha256:")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        if kept.is_dir():
            shutil.copytree(kept, folder / "data", copy_function=os.link)
        process = RegistryProcess(folder)
        try:
            if not kept.is_dir():
                _push(sdk, base.id, f"{process.host}/{PROJECT}/{REPO}")
                _keep(folder / "data", kept)
            yield process
        finally:
            process.stop()


def _push(sdk: docker.DockerClient, image: str | None, name: str) -> None:
    sdk.api.tag(image, name, "base")
    try:
        sdk.images.push(name, "base")
    finally:
        sdk.images.remove(f"{name}:base")


def _keep(data: Path, kept: Path) -> None:
    """Keep what a registry has stored, in place of the layers of an earlier image."""
    for old in CACHE.glob("[0-9a-f]" * 64):
        shutil.rmtree(old)
    new = data.parent / "kept"
    shutil.copytree(data, new, copy_function=os.link)
    new.rename(kept)


@dataclass
class Pipeline:
    """Builds and deploys one commit as the bot does for a member's pull request."""

    folder: Path
    builder: DockerBuilder
    platform: DockerPlatform
    registry: OciRegistry
    instance: str

    async def deploy(self, example: Example, *, restricted: bool = False) -> Endpoint:
        """Build, push and deploy an example; return where it answers. Raises what the steps raise."""
        made = Build(SHA, BuildConfig(), trusted=True)
        setup = tuple(map(SetupCommand, example.setup))
        config = DeployConfig(health=_health(example), restricted=restricted, setup=setup)
        wanted = Deploy(SHA, config, example.services, trusted=True)
        run = Run(1, REPO, 7, SHA, Plan((made, wanted)), Origin(Trigger.OPEN, "mei"), Language.EN, NOW)
        context = StepContext(run, FakeLog(), self._adapters(example))
        built = await build.run(made, context)
        ready = await deploy.run(wanted, replace(context, image=built.image, environments=ENVIRONMENTS))
        assert ready.endpoint is not None
        return ready.endpoint

    def _adapters(self, example: Example) -> StepAdapters:
        # No layer is shared with another session, whose removal could take it away.
        text = example.dockerfile.replace("\nCOPY", f"\nENV ONLY={self.instance}\nCOPY", 1)
        files = {name: text if isinstance(text, str) else text() for name, text in example.files.items()}
        return replace(
            FakeWorld().adapters(),
            source=Source(self.folder, text, tar({"Dockerfile": text, **files})),
            registry=self.registry,
            builders={RunnerName.DOCKER: self.builder},
            platforms={RunnerName.DOCKER: self.platform},
            instance=self.instance,
        )


def _health(example: Example) -> HealthConfig:
    return HealthConfig(protocol="tcp" if example.asks else "http", timeout=int(PATIENCE))


@pytest.fixture
async def pipeline(
    tmp_path: Path, engine: DockerEngine, registry: RegistryProcess, instance: str
) -> AsyncIterator[Pipeline]:
    policy = ImagePolicy(registry.host, PROJECT)
    builder = DockerBuilder(
        engine, ProcessSandbox(), instance=instance, network="none", credentials=Credentials(policy=policy)
    )
    async with OciRegistry(RegistryOptions(registry.host, PROJECT)) as pushed:
        yield Pipeline(tmp_path, builder, DockerPlatform(engine, instance=instance), pushed, instance)
