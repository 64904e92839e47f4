"""How setup changes a machine: it installs packages with apt, and starts and stops its own processes."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import machine
import pytest
from machine import Background, SetUpError

StandIn = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setattr(machine, "STATE", state)
    monkeypatch.setattr(machine, "LOG", state / "setup.log")


@pytest.fixture
def apt_calls(programs: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Replace apt-get by a script whose first call fails, and return its calls."""
    calls = programs / "apt-calls"
    stand_in("apt-get", f'echo "$*" >>{calls}; [[ $(wc -l <{calls}) -gt 1 ]] || {{ echo hiccup; exit 100; }}')
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return lambda: calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def sleeper() -> Iterator[Background]:
    process = Background("sleeper")
    with process.start("sleep", "600"):
        yield process
        process.stop()


def record(process: Background) -> Path:
    return machine.STATE / f"{process.name}.pid"


def test_root_updates_the_lists_then_installs_and_retries_a_failed_call(
    apt_calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.install(["docker.io", "git"])
    updated, again, installed = apt_calls()
    assert updated == again
    assert updated.endswith(" update")
    assert installed.endswith(" install --no-install-recommends docker.io git")


def test_without_root_the_error_contains_the_command_and_nothing_runs(
    apt_calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    command = "sudo apt-get update && sudo apt-get install -y --no-install-recommends docker.io git\n"
    with pytest.raises(SetUpError, match=command.replace(".", r"\.")):
        machine.install(["docker.io", "git"])
    assert apt_calls() == []


def test_without_apt_the_error_names_the_missing_packages(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(SetUpError, match=r"docker\.io git"):
        machine.install(["docker.io", "git"])


def test_the_error_of_a_failed_command_contains_the_end_of_its_output_and_the_log_file() -> None:
    with pytest.raises(SetUpError, match="no space left") as failure:
        machine.run("sh", "-c", "echo no space left >&2; exit 3")
    assert str(machine.LOG) in str(failure.value)


def test_a_background_process_is_stopped_once_and_its_record_removed(sleeper: Background) -> None:
    pid = int(record(sleeper).read_text().split()[0])
    assert os.getsid(pid) == pid, "it must outlive this session"
    assert sleeper.stop() is True
    assert not record(sleeper).exists()
    assert sleeper.stop() is False


def test_another_process_with_the_recorded_pid_is_not_stopped() -> None:
    process = Background("gone")
    with subprocess.Popen(["sleep", "600"]) as other:  # noqa: S607 - coreutils
        try:
            record(process).write_text(f"{other.pid} 1\n")
            assert process.stop() is False
            assert other.poll() is None
            assert not record(process).exists()
        finally:
            other.kill()


def test_a_process_that_does_not_stop_is_reported() -> None:
    process = Background("stubborn")
    started = process.start("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 600 & wait; done")
    try:
        while "ready" not in process.log.read_text():
            assert started.poll() is None
        with pytest.raises(SetUpError, match="does not stop"):
            process.stop(patience=0.2)
        assert record(process).exists()
    finally:
        os.killpg(started.pid, 9)
        started.wait()
