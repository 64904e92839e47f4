"""The local registry: started once, reused, distinguished from other services at its port, and stopped."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.real.parts import PATIENCE
from tests.real.ports import free_port

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
NO_SUCH_DIGEST = f"sha256:{'0' * 64}"
SetUp = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def set_up(tmp_path: Path, port: int) -> Iterator[SetUp]:
    """Return a function that runs the real setup with a separate state folder and registry."""

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - constant arguments
            [sys.executable, str(ROOT / "deploy/local/setup.py"), *options],
            env={**os.environ, "CHATOPS_LOCAL_DIR": str(tmp_path), "CHATOPS_REGISTRY_PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    yield run
    run("--down")


@pytest.fixture
def other_service(port: int) -> Iterator[None]:
    """Run another service at the port, which requires a password."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *_: object) -> None:
            """Write no access log."""

    with HTTPServer(("127.0.0.1", port), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


def test_registry_is_started_once_and_then_reused(set_up: SetUp, tmp_path: Path, port: int) -> None:
    first = set_up()
    assert first.returncode == 0, first.stdout
    assert f"Registry at 127.0.0.1:{port}" in first.stdout
    pid = (tmp_path / "registry.pid").read_text()
    assert set_up().returncode == 0
    assert (tmp_path / "registry.pid").read_text() == pid


def test_registry_allows_deletion_and_listens_on_loopback_only(set_up: SetUp, port: int) -> None:
    set_up()
    answer = httpx.delete(
        f"http://127.0.0.1:{port}/v2/chatops/app/manifests/{NO_SUCH_DIGEST}", timeout=PATIENCE
    )
    assert answer.status_code == 404, "405 would mean that deleting is switched off"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.2:{port}/v2/")


def test_down_stops_the_registry_that_was_started(set_up: SetUp, port: int) -> None:
    set_up()
    stopped = set_up("--down")
    assert (stopped.returncode, stopped.stdout) == (0, "  registry stopped\n")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/v2/")
    assert set_up("--down").stdout == ""


@pytest.mark.usefixtures("other_service")
def test_another_service_at_the_port_is_reported_and_left_alone(set_up: SetUp, tmp_path: Path) -> None:
    done = set_up()
    assert done.returncode == 1
    assert "is in use by another service" in done.stdout
    assert "CHATOPS_REGISTRY_PORT=5001" in done.stdout
    assert not (tmp_path / "registry.pid").exists()
