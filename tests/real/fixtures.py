"""Fixtures with real services; the conftest of a folder imports those that it uses."""

import contextlib
import io
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import docker
import docker.errors
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.run import Image
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.firewall import remove_rules
from tests.fakes.log import FakeLog
from tests.real.parts import BUSYBOX, RegistryProcess, build_image, remove_network, tar

LABEL = "dev.gitee-chatops.test"
BASE = """\
FROM scratch
LABEL {label}={name}
COPY busybox name /bin/
# As process 1 busybox ignores SIGTERM: each container would take its whole grace period to stop.
STOPSIGNAL SIGKILL
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""

APP = """\
FROM {base}
EXPOSE 8080
RUN mkdir /www && echo "at your service" > /www/index.html
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
"""


@pytest.fixture(scope="session")
def sdk() -> Iterator[docker.DockerClient]:
    """Provide a client of the engine, to inspect what the bot has created."""
    client = docker.from_env(timeout=600)
    yield client
    client.close()


@pytest.fixture(scope="session")
def base_image(sdk: docker.DockerClient) -> Iterator[str]:
    """Build a base image with a shell, httpd, nc and wget: everything that services under test need."""
    name = f"chatops-test-base:{uuid.uuid4().hex[:12]}"
    # Its images and layers are unique: a build that shared one with it would lose it when that is removed.
    recipe = BASE.format(label=LABEL, name=name)
    content = tar({"Dockerfile": recipe, "busybox": BUSYBOX.read_bytes(), "name": name})
    build_image(sdk, fileobj=io.BytesIO(content), custom_context=True, tag=name)
    yield name
    with contextlib.suppress(docker.errors.ImageNotFound):
        sdk.images.remove(name, force=True)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    process = RegistryProcess(tmp_path_factory.mktemp("registry"))
    yield process
    process.stop()


@pytest.fixture(scope="session")
def app_image(sdk: docker.DockerClient, base_image: str, registry: RegistryProcess) -> Iterator[Image]:
    """Push an image of a service that answers on the port it EXPOSEs, and provide it as a build does."""
    reference = f"{registry.host}/team/app:pr-1-{uuid.uuid4().hex[:8]}"
    built = build_image(
        sdk,
        fileobj=io.BytesIO(tar({"Dockerfile": APP.format(base=base_image)})),
        custom_context=True,
        tag=reference,
    )
    sdk.images.push(reference)
    digest = str(sdk.images.get_registry_data(reference).id)
    yield Image(reference, digest, int(built.attrs["Size"]), "0" * 40)
    with contextlib.suppress(docker.errors.ImageNotFound):
        sdk.images.remove(str(built.id), force=True)


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
async def engine() -> AsyncIterator[DockerEngine]:
    connected = await DockerEngine.connect()
    yield connected
    await connected.close()


@pytest.fixture
async def instance(sdk: docker.DockerClient) -> AsyncIterator[str]:
    """Provide the name of a bot for this test; everything that carries it is removed afterwards."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    await remove_rules(name)
    wanted: Any = {"label": f"{LABEL_INSTANCE}={name}"}
    for container in sdk.containers.list(all=True, filters=wanted, ignore_removed=True):
        container.remove(v=True, force=True)
    for network in sdk.networks.list(filters=wanted):
        remove_network(network)
    for volume in sdk.volumes.list(filters=wanted):
        volume.remove()
    for image in sdk.images.list(filters=wanted):
        with contextlib.suppress(docker.errors.ImageNotFound):
            sdk.images.remove(str(image.id), force=True)
