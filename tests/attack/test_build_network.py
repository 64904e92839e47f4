"""Attacks on the machine by RUN instructions, in a network namespace with an engine of its own."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.attack.build_in_network import OPEN, PORT
from tests.real.parts import BUSYBOX, PATIENCE

pytestmark = pytest.mark.docker

ADDRESSES = {
    "the engine's bridge": f"172.17.0.1:{PORT}",
    "another address of the machine": f"10.99.0.1:{PORT}",
    "a metadata service on the machine": f"169.254.169.254:{PORT}",
    "a metadata service beyond the machine": "169.254.9.2:80",
}
ALLOWED = f"172.17.0.1:{OPEN}"


def _inside(process: subprocess.Popen[bytes], *command: str) -> list[str]:
    return ["nsenter", f"--net=/proc/{process.pid}/ns/net", *command]


def _run(process: subprocess.Popen[bytes], command: str) -> None:
    subprocess.run(_inside(process, *command.split()), check=True, timeout=PATIENCE)  # noqa: S603 - constants


@contextlib.contextmanager
def _started(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - constants
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Build without the firewall, with it, and without a network; provide the logs."""
    folder = tmp_path_factory.mktemp("engine")
    host = f"unix://{folder}/docker.sock"
    files = ("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid")
    with (
        _started("unshare", "--net", "dockerd", "--host", host, *files) as engine,
        _started("unshare", "--net", str(BUSYBOX), "sleep", "1000") as cloud,
    ):
        _until_it_answers(host, engine)
        for command in (
            "ip link set lo up",
            "ip address add 10.99.0.1/32 dev lo",
            "ip address add 169.254.169.254/32 dev lo",
            f"ip link add m0 type veth peer name m1 netns {cloud.pid}",
            "ip address add 169.254.9.1/24 dev m0",
            "ip link set m0 up",
        ):
            _run(engine, command)
        for command in (
            "ip address add 169.254.9.2/24 dev m1",
            "ip link set m1 up",
            "ip route add default via 169.254.9.1",
        ):
            _run(cloud, command)
        (folder / "www").mkdir()
        (folder / "www/index.html").write_text("credentials")
        server = _inside(cloud, str(BUSYBOX), "httpd", "-f", "-p", "80", "-h", str(folder / "www"))
        with _started(*server):
            asked = " ".join((*ADDRESSES.values(), ALLOWED))
            program = _inside(engine, sys.executable, "-m", "tests.attack.build_in_network", host, asked)
            root = Path(__file__).parents[2]
            ended = subprocess.run(program, cwd=root, capture_output=True, check=False, timeout=PATIENCE)  # noqa: S603 - constants
            assert ended.returncode == 0, ended.stderr.decode()
            yield json.loads(ended.stdout)


def _until_it_answers(host: str, engine: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert engine.poll() is None, "the engine ended"
        assert time.monotonic() < deadline
        with socket.socket(socket.AF_UNIX) as tried, contextlib.suppress(OSError):
            tried.connect(host.removeprefix("unix://"))
            return
        time.sleep(0.02)


@pytest.mark.parametrize("network", ["default", "none"])
@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_a_build_does_not_reach(logs: Mapping[str, str], address: str, network: str) -> None:
    assert f"reached {address}\n" in logs["open"], "without the firewall it does"
    assert f"blocked {address}\n" in logs[network]
    assert "[]" in logs[network], "no problem was reported"


def test_a_port_that_the_operator_lists_is_reached_and_nothing_without_a_network(
    logs: Mapping[str, str],
) -> None:
    assert f"reached {ALLOWED}\n" in logs["default"]
    assert f"blocked {ALLOWED}\n" in logs["none"]
