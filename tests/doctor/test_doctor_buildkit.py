"""The doctor's check of buildkitd and its client."""

import os
import socket
from pathlib import Path

import pytest

from bot.doctor import buildkit
from bot.doctor.examination import CHECKS
from bot.doctor.findings import DoctorOptions, State
from bot.settings.model import BuildKitSettings, Settings
from tests.fakes.buildctl import install
from tests.real.ports import free_port


def options(address: str, tls_dir: Path | None = None) -> DoctorOptions:
    return DoctorOptions(Settings(buildkit=BuildKitSettings(address, tls_dir)))


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{install(tmp_path).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("client")
async def test_a_buildkitd_that_answers_passes(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        [found] = await buildkit.check(options(address, tmp_path))
        [same, open_to_all] = await buildkit.check(options(address))

    assert found == same
    assert found.state is State.FINE
    assert open_to_all.state is State.NOTE
    assert "can command it" in open_to_all.found.en


@pytest.mark.usefixtures("client")
async def test_a_socket_needs_no_certificate(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        [found] = await buildkit.check(options(f"unix://{tmp_path}/s"))

    assert found.state is State.FINE


@pytest.mark.usefixtures("client")
async def test_an_unavailable_buildkitd_is_reported() -> None:
    [found] = await buildkit.check(options(f"tcp://127.0.0.1:{free_port()}"))

    assert found.state is State.WRONG
    assert "failed to list workers" in found.found.en


async def test_a_missing_client_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    [found] = await buildkit.check(options("tcp://b:1"))

    assert (found.state, found.found.en) == (State.WRONG, "buildctl is not on the PATH")


def test_buildkit_is_not_checked_without_an_address() -> None:
    [check] = [one for one in CHECKS if one.name == "buildkit"]

    assert not check.enabled(Settings())
    assert check.enabled(options("tcp://b:1").settings)
