"""Finding a Docker Engine, and what is said where none can be had."""

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
    """Leave no engine to be found: not on this machine's socket, not on PATH."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "connect", lambda: None)
    monkeypatch.setattr(engine, "SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr(
        engine, "which", lambda name: str(programs / name) if (programs / name).exists() else None
    )
    monkeypatch.setattr(machine, "STATE", tmp_path)
    monkeypatch.setattr(machine, "has_systemd", lambda: False)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def test_debian_s_engine_is_wanted_where_there_is_none() -> None:
    assert "docker.io" in engine.packages()


def test_an_installed_engine_is_not_installed_again(stand_in: StandIn) -> None:
    stand_in("dockerd", "")
    assert engine.packages() == []


def test_an_engine_elsewhere_is_neither_installed_nor_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example.com:2376")
    assert engine.packages() == []
    with pytest.raises(
        SetUpError, match=r"No Docker Engine answers at DOCKER_HOST=tcp://engine\.example\.com"
    ):
        engine.ensure()


def test_whoever_is_not_root_is_told_how_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetUpError, match="sudo sh -c 'dockerd "):
        engine.ensure()


def test_whoever_may_not_use_the_socket_is_told_how_to_get_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    engine.SOCKET.touch()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SetUpError, match=r"sudo usermod -aG docker \$USER"):
        engine.ensure()


def test_an_engine_that_dies_at_once_shows_its_last_words(
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
