"""A Docker platform with a real engine and registry."""

import io
import uuid
from dataclasses import dataclass, replace
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from bot.core.naming import LABEL_INSTANCE
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.run import Image
from bot.ports import EnvironmentSpec, TestSpec
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.platform import DockerPlatform
from tests.fakes.buildkitd import daemon
from tests.fakes.log import FakeLog
from tests.real.fixtures import app_image, base_image, engine, instance, log, registry, sdk
from tests.real.parts import build_image, tar

__all__ = ["app_image", "base_image", "daemon", "engine", "instance", "log", "registry", "sdk"]

LONG = 600
"""A timeout in seconds for steps that end by themselves."""

TOO_MUCH = "for time in 1 2 3; do tail /dev/zero; done; exec tail /dev/zero"
"""Exhausts the memory several times: the engine may learn of the last one after the container has exited."""

KEY = EnvironmentKey(RepoPath("team", "shop"), 12, "preview")


@dataclass
class Stage:
    """A platform with default specifications, and access to what it has created."""

    platform: DockerPlatform
    image: Image
    tests_image: str
    instance: str
    sdk: docker.DockerClient
    log: FakeLog

    def spec(self, **changes: Any) -> EnvironmentSpec:
        """Return a specification that deploys successfully unless it is changed."""
        plain = EnvironmentSpec(
            key=KEY,
            host="pr-12-shop.test",
            image=self.image,
            port=None,
            env={},
            command=(),
            services=(),
            memory="32m",
            health_path=None,
            health_timeout=LONG,
        )
        return replace(plain, **changes)

    def suite(self, command: str, **changes: Any) -> TestSpec:
        """Return a suite that runs a shell command."""
        plain = TestSpec(
            key=KEY,
            suite="unit",
            image=self.tests_image,
            command=command,
            env={},
            report="/reports",
            timeout=LONG,
            memory="64m",
        )
        return replace(plain, **changes)

    def push(self, recipe: str) -> Image:
        """Build a Dockerfile on the small base image and push the image."""
        tag = f"{self.image.reference.rpartition(':')[0]}:{uuid.uuid4().hex[:8]}"
        text = f"FROM {self.tests_image}\nENV ONLY={self.instance}\n{recipe}"
        build_image(
            self.sdk,
            fileobj=io.BytesIO(tar({"Dockerfile": text})),
            custom_context=True,
            tag=tag,
            labels={LABEL_INSTANCE: self.instance},
        )
        self.sdk.images.push(tag)
        return Image(tag, str(self.sdk.images.get_registry_data(tag).id), 0, "")

    @property
    def containers(self) -> list[Container]:
        """All containers of this bot."""
        wanted: Any = {"label": f"{LABEL_INSTANCE}={self.instance}"}
        return self.sdk.containers.list(all=True, filters=wanted, ignore_removed=True)

    @property
    def networks(self) -> list[str]:
        """Ids of all networks of this bot."""
        found = self.sdk.networks.list(filters={"label": f"{LABEL_INSTANCE}={self.instance}"})
        return [str(network.id) for network in found]

    @property
    def volumes(self) -> list[str]:
        """Names of all volumes of this bot."""
        found = self.sdk.volumes.list(filters={"label": f"{LABEL_INSTANCE}={self.instance}"})
        return [str(volume.name) for volume in found]

    @property
    def empty(self) -> bool:
        """Whether no resource of this bot exists."""
        return not self.containers and not self.networks

    def container(self, part: str) -> Container:
        """Return the container of one part."""
        return next(found for found in self.containers if str(found.name).endswith(f"-{part}"))


@pytest.fixture
def stage(
    engine: DockerEngine, instance: str, sdk: docker.DockerClient, app_image: Image, base_image: str
) -> Stage:
    platform = DockerPlatform(engine, instance=instance)
    return Stage(platform, app_image, base_image, instance, sdk, FakeLog())
