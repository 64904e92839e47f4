"""Measures what the builds of the Docker Engine on this machine may take.

BuildKit has no limits of its own. With the cgroup driver cgroupfs it runs every RUN instruction in a cgroup
below `docker/buildkit`, whose limits are those of all builds together.
"""

from pathlib import Path

from bot.doctor.findings import Finding, fine, note
from bot.model.text import Text

CGROUPS = Path("/sys/fs/cgroup")
_BUILDS = "docker/buildkit"
_UNLIMITED = 1 << 60
"""More than any limit; version 1 of the kernel's cgroups has no word for none."""
_UNKNOWN = Text(
    en="the limits of builds cannot be measured, because the engine is not on this machine",
    zh="Docker Engine 不在本机，无法检查构建的资源限制",
)
_ELSEWHERE = Text(
    en="A RUN instruction may take all memory and processes there. Run `chatops doctor` there, too.",
    zh="RUN 指令可能耗尽那台机器的内存和进程数。请在那台机器上也运行 `chatops doctor`。",
)
_OTHER_DRIVER = Text(
    en='Set "exec-opts": ["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json, restart Docker, and run'
    " this again.",
    zh='请在 /etc/docker/daemon.json 中设置 "exec-opts": ["native.cgroupdriver=cgroupfs"]，'
    "重启 Docker 后再次检查。",
)


def measured(driver: str, *, local: bool, root: Path = CGROUPS) -> Finding:
    """Return the limits of builds; `driver` is the engine's CgroupDriver."""
    if not local:
        return note(_UNKNOWN, _ELSEWHERE)
    memory_file, pids_file = _files(root)
    memory, pids = _limit(memory_file), _limit(pids_file)
    if driver != "cgroupfs":
        return note(_unlimited(f"cgroup driver {driver}", f"cgroup 驱动为 {driver}"), _OTHER_DRIVER)
    if memory is None or pids is None:
        advice = Text(
            en=f"At each start of the machine, write limits, such as 2147483648 to {memory_file} and 512 to"
            f" {pids_file}.",
            zh=f"请在每次开机后写入限制，例如把 2147483648 写入 {memory_file}，把 512 写入 {pids_file}。",
        )
        return note(_unlimited(f"in {_BUILDS}", f"{_BUILDS} 中"), advice)
    size = memory >> 20
    return fine(
        en=f"builds share {size} MiB of memory and {pids} processes",
        zh=f"所有构建合计最多使用 {size} MiB 内存和 {pids} 个进程",
    )


def _unlimited(where: str, where_zh: str) -> Text:
    return Text(
        en=f"builds have no limits of memory and processes ({where})",
        zh=f"构建没有内存和进程数的限制（{where_zh}）",
    )


def _files(root: Path) -> tuple[Path, Path]:
    if (root / "cgroup.controllers").exists():
        return root / _BUILDS / "memory.max", root / _BUILDS / "pids.max"
    return root / "memory" / _BUILDS / "memory.limit_in_bytes", root / "pids" / _BUILDS / "pids.max"


def _limit(file: Path) -> int | None:
    """Return a limit; None if there is none."""
    try:
        found = int(file.read_text())
    except (OSError, ValueError):
        return None
    return found if found < _UNLIMITED else None
