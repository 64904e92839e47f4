"""The limits that setup gives the builds of its engine."""

from pathlib import Path
from typing import Any

import build_limits
import pytest


class Engine:
    """An engine with this cgroup driver."""

    def __init__(self, driver: str = "cgroupfs") -> None:
        self.driver = driver

    def info(self) -> dict[str, str]:
        return {"CgroupDriver": self.driver}


def apply(root: Path, driver: str = "cgroupfs") -> str:
    client: Any = Engine(driver)
    return build_limits.apply(client, root=root)


def test_version_1_has_a_file_in_each_hierarchy(tmp_path: Path) -> None:
    assert apply(tmp_path) == ""
    files = ("memory/*/*/memory.limit_in_bytes", "pids/*/*/pids.max", "cpu/*/*/cpu.shares")
    assert [next(tmp_path.glob(name)).read_text() for name in files] == ["2147483648", "512", "256"]


def test_version_2_enables_the_controllers_first(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()
    assert apply(tmp_path) == ""
    for above in (tmp_path, tmp_path / "docker"):
        assert (above / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    builds = tmp_path / "docker/buildkit"
    limits = {file.name: file.read_text() for file in builds.iterdir()}
    assert limits == {"memory.max": "2147483648", "pids.max": "512", "cpu.weight": "25"}


def test_what_cannot_be_limited_is_named(tmp_path: Path) -> None:
    assert "is systemd, not cgroupfs" in apply(tmp_path, "systemd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "mkdir", _read_only)
        assert "Read-only file system" in apply(tmp_path)


def _read_only(*_: object, **__: object) -> None:
    raise OSError(30, "Read-only file system")
