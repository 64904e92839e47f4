"""The doctor's measurement of what builds may take."""

from pathlib import Path

import pytest

from bot.doctor.build_limits import measured
from bot.doctor.findings import State

V1 = {
    "memory/docker/buildkit/memory.limit_in_bytes": "2147483648\n",
    "pids/docker/buildkit/pids.max": "512\n",
}
V2 = {
    "cgroup.controllers": "memory pids",
    "docker/buildkit/memory.max": "2147483648\n",
    "docker/buildkit/pids.max": "512\n",
}
UNLIMITED = {
    "version 1": V1 | {"memory/docker/buildkit/memory.limit_in_bytes": "9223372036854771712\n"},
    "version 1, processes": V1 | {"pids/docker/buildkit/pids.max": "max\n"},
    "version 2": V2 | {"docker/buildkit/memory.max": "max\n"},
    "no build yet": {},
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("files", [V1, V2], ids=["version 1", "version 2"])
def test_limits_are_reported(tmp_path: Path, files: dict[str, str]) -> None:
    found = measured("cgroupfs", local=True, root=write(tmp_path, files))
    assert found.state is State.FINE
    assert found.found.en == "builds share 2048 MiB of memory and 512 processes"


@pytest.mark.parametrize("files", UNLIMITED.values(), ids=UNLIMITED)
def test_without_limits_the_files_to_write_are_named(tmp_path: Path, files: dict[str, str]) -> None:
    found = measured("cgroupfs", local=True, root=write(tmp_path, files))
    assert found.state is State.NOTE
    assert found.advice is not None
    for name in ("memory", "pids.max"):
        assert name in found.advice.en


def test_another_driver_and_another_machine_are_named(tmp_path: Path) -> None:
    found = measured("systemd", local=True, root=write(tmp_path, V2))
    assert found.advice is not None
    assert "native.cgroupdriver=cgroupfs" in found.advice.en
    assert "not on this machine" in measured("cgroupfs", local=False, root=tmp_path).found.en
