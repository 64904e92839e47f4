"""Limits what the builds of an engine take together.

BuildKit ignores the limits of a build request. But it runs every RUN instruction in a cgroup below
`docker/buildkit`, and the limits of that cgroup are limits of them all. This holds for the cgroup driver
`cgroupfs`, which engines without systemd use; with `systemd`, each build has a cgroup of its own at the top.
"""

from collections.abc import Mapping
from pathlib import Path

import docker

CGROUPS = Path("/sys/fs/cgroup")
PARENT = "docker"
"""Default of dockerd's option `--cgroup-parent`."""
MEMORY = 2 << 30
PROCESSES = 512
WEIGHT = 25
"""Share of processor time if others need it too, in percent of the default: the bot must go on answering."""
_FILES_V1: Mapping[str, Mapping[str, int]] = {
    "memory": {"memory.limit_in_bytes": MEMORY},
    "pids": {"pids.max": PROCESSES},
    "cpu": {"cpu.shares": 1024 * WEIGHT // 100},
}
_FILES_V2: Mapping[str, int] = {"memory.max": MEMORY, "pids.max": PROCESSES, "cpu.weight": WEIGHT}


def apply(client: docker.DockerClient, parent: str = PARENT, root: Path = CGROUPS) -> str:
    """Limit the builds of an engine on this machine; return why that is impossible, otherwise nothing."""
    driver = client.info().get("CgroupDriver")
    if driver != "cgroupfs":
        return f"the engine's cgroup driver is {driver}, not cgroupfs"
    try:
        if (root / "cgroup.controllers").exists():
            _limit_v2(root, root / parent / "buildkit")
        else:
            for controller, files in _FILES_V1.items():
                _write(root / controller / parent / "buildkit", files)
    except OSError as problem:
        return str(problem)
    return ""


def _limit_v2(root: Path, builds: Path) -> None:
    builds.mkdir(parents=True, exist_ok=True)
    for above in (root, builds.parent):
        (above / "cgroup.subtree_control").write_text("+cpu +memory +pids")
    _write(builds, _FILES_V2)


def _write(folder: Path, files: Mapping[str, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (folder / name).write_text(str(value))
