"""Processes of registries and etcd, and what several tests of the engine need."""

import io
import socket
import subprocess
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.models.images import Image
from docker.models.networks import Network

from bot.model.secrets import SecretValue
from bot.ports import BuildOrder
from tests.real.ports import free_port

BUSYBOX = Path("/bin/busybox")
PATIENCE = 300.0
"""Seconds after which a test fails instead of waiting longer."""

CONFIGURATION = """\
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: {deletes}}}
  maintenance: {{readonly: {{enabled: {readonly}}}}}
http: {{addr: "{host}"}}
{auth}
"""


def build_image(sdk: docker.DockerClient, **options: Any) -> Image:
    """Build an image with the engine's older builder, without its cache.

    To find a cached layer it reads every image that has the same parent, those of others included, and the
    build fails if somebody removes one of them at that moment.
    """
    image, _ = sdk.images.build(nocache=True, rm=True, forcerm=True, **options)
    return image


class RegistryProcess:
    """A docker-registry on its own port, with its storage in a folder."""

    def __init__(self, folder: Path, *, deletes: bool = True, readonly: bool = False, auth: str = "") -> None:
        self.host = f"127.0.0.1:{free_port()}"
        file = folder / "registry.yml"
        text = CONFIGURATION.format(
            folder=folder,
            host=self.host,
            deletes=str(deletes).lower(),
            readonly=str(readonly).lower(),
            auth=auth,
        )
        file.write_text(text)
        self._process = subprocess.Popen(  # noqa: S603 - constant arguments
            ["/usr/bin/docker-registry", "serve", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_open(self.host)

    def stop(self) -> None:
        """Stop the process."""
        self._process.terminate()
        self._process.wait()


class EtcdProcess:
    """An etcd with one member on its own port, with its data in a folder."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        self._process = subprocess.Popen(  # noqa: S603 - constant arguments
            [
                *("/usr/bin/etcd", "--data-dir", str(folder / "etcd"), "--log-level", "error"),
                *("--listen-client-urls", self.url, "--advertise-client-urls", self.url),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", f"default={peer}", "--unsafe-no-fsync"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_open(self.url.removeprefix("http://"))

    def stop(self) -> None:
        """Stop the process."""
        self._process.terminate()
        self._process.wait()


USERS = "bot:$2b$04$FCkHloCV8iIMQ3zQSkmoCeHfHl4EyweUDIaxi0AI6Naq3egUl26Eu\n"
"""The user `bot` with the password `right`."""


def private_registry(folder: Path) -> RegistryProcess:
    """Start a registry that requires a login."""
    users = folder / "htpasswd"
    users.write_text(USERS)
    return RegistryProcess(folder, auth=f"auth: {{htpasswd: {{realm: registry, path: {users}}}}}")


def remove_network(network: Network) -> None:
    """Remove a network; repeat while the engine still counts a removed container as attached to it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            network.remove()
        except docker.errors.APIError as refused:
            if "active endpoints" not in str(refused) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def wait_until_open(host: str) -> None:
    """Wait until something accepts connections at this address."""
    name, _, port = host.partition(":")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((name, int(port)), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def tar(files: Mapping[str, bytes | str]) -> bytes:
    """Return a tar with these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def order(
    folder: Path,
    tag: str,
    files: Mapping[str, bytes | str],
    *,
    dockerfile: str = "Dockerfile",
    target: str | None = None,
    args: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    secrets: Mapping[str, bytes] | None = None,
) -> BuildOrder:
    """Return a BuildOrder; see its fields."""
    context = folder / "context.tar"
    context.write_bytes(tar(files))
    given = [SecretValue(name, value) for name, value in (secrets or {}).items()]
    return BuildOrder(tag, dockerfile, target, args or {}, labels or {}, context, secrets=given)
