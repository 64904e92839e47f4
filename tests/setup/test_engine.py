"""Finding or starting a Docker Engine, and the error if there is none."""

import os
from collections.abc import Callable
from pathlib import Path

import engine
import machine
import pytest
from machine import SetUpError

StandIn = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _no_engine(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the engine of this machine: its socket and its program."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "connect", lambda: None)
    monkeypatch.setattr(engine, "SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr(
        engine, "which", lambda name: str(programs / name) if (programs / name).exists() else None
    )
    monkeypatch.setattr(machine, "STATE", tmp_path)
    monkeypatch.setattr(machine, "has_systemd", lambda: False)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def test_without_an_engine_debians_package_is_needed() -> None:
    assert "docker.io" in engine.packages()


def test_an_installed_engine_is_not_installed_again(stand_in: StandIn) -> None:
    stand_in("dockerd", "")
    assert engine.packages() == []


def test_with_docker_host_set_no_engine_is_installed_or_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example.com:2376")
    assert engine.packages() == []
    with pytest.raises(
        SetUpError, match=r"No Docker Engine answers at DOCKER_HOST=tcp://engine\.example\.com"
    ):
        engine.ensure()


def test_without_root_the_error_says_how_to_start_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetUpError, match="sudo sh -c 'dockerd "):
        engine.ensure()


def test_without_permission_for_the_socket_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine.SOCKET.touch()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SetUpError, match=r"sudo usermod -aG docker \$USER"):
        engine.ensure()


def test_the_error_for_an_engine_that_exits_contains_the_end_of_its_log(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("dockerd", "echo 'no iptables here' >&2; exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SetUpError, match="no iptables here"):
        engine.ensure()


def test_under_systemd_the_service_is_started(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in("systemctl", f'echo "$*" >{machine.STATE}/systemctl-call')
    monkeypatch.setattr(machine, "LOG", machine.STATE / "setup.log")
    monkeypatch.setattr(machine, "has_systemd", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(engine, "PATIENCE", 0)
    with pytest.raises(SetUpError, match="does not answer"):
        engine.ensure()
    assert (machine.STATE / "systemctl-call").read_text() == "start docker\n"
