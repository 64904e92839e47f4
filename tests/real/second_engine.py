"""A Docker Engine of a test's own, whose builds are limited as `make setup` limits them."""

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.real.parts import PATIENCE

LOCAL = Path(__file__).parents[2] / "deploy/local"
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class SecondEngine:
    """Its address, and the parent of its cgroups."""

    host: str
    parent: str

    def cgroup_file(self, controller: str, name: str) -> Path:
        """Return a file of the cgroup of all builds; `controller` counts in version 1 only."""
        unified = (CGROUPS / "cgroup.controllers").exists()
        return (CGROUPS if unified else CGROUPS / controller) / self.parent / "buildkit" / name


@contextmanager
def second_engine(folder: Path) -> Iterator[SecondEngine]:
    """Start it in an empty network; builds need `network="none"`."""
    if str(LOCAL) not in sys.path:
        sys.path.insert(0, str(LOCAL))
    import build_limits  # noqa: PLC0415 - it is found only now

    found = SecondEngine(f"unix://{folder}/docker.sock", f"chatops-test-{uuid.uuid4().hex[:8]}")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - constant arguments
            [
                # In a network of its own: an engine without a bridge removes `docker0`, even another one's.
                *("unshare", "--net", "dockerd", "--host", found.host, "--data-root", f"{folder}/data"),
                *("--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"),
                *("--bridge=none", "--iptables=false", "--ip-forward=false"),
                *("--cgroup-parent", f"/{found.parent}"),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _listens(folder / "docker.sock"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        client = docker.DockerClient(base_url=found.host)
        assert client.ping()
        assert build_limits.apply(client, found.parent) == ""
        client.close()
        yield found
    finally:
        process.terminate()
        process.wait(PATIENCE)
        for controller in (CGROUPS, *CGROUPS.iterdir()):
            for part in (f"{found.parent}/buildkit", found.parent):
                if (controller / part).is_dir():
                    (controller / part).rmdir()


def _listens(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(address))
        except OSError:
            return False
    return True
