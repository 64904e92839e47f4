"""Tells whether the bot counts all that containers write, as `[docker] disk_max` means it."""

import os
from pathlib import Path

from bot.doctor.findings import Finding, fine, note
from bot.model.text import Text

FIRST_NAMESPACE = 0xEFFFFFFC
"""Number of the namespace that has the processes of the whole machine."""


def measured(folder: Path, *, local: bool, proc: Path = Path("/proc")) -> Finding:
    """Return what the bot can count; `folder` is the engine's DockerRootDir."""
    whole = local and os.geteuid() == 0 and _namespace(proc) == FIRST_NAMESPACE
    if whole and os.access(folder / "volumes", os.R_OK | os.X_OK):
        return fine(
            en="what containers write is counted, with deleted files that they have open",
            zh="容器写入的数据会全部计入，包括已删除但仍打开的文件",
        )
    return note(
        Text(
            en="the bot cannot count all that containers write, such as deleted files that they have open",
            zh="机器人无法统计容器写入的全部数据，例如已删除但仍打开的文件",
        ),
        Text(
            en="Run the bot as root on the engine's machine, outside of a container, or give the engine"
            " a disk of its own.",
            zh="请在 Docker Engine 所在的机器上以 root 身份直接运行机器人（不在容器中），"
            "或让 Docker Engine 使用单独的磁盘。",
        ),
    )


def _namespace(proc: Path) -> int:
    try:
        return (proc / "self/ns/pid").stat().st_ino
    except OSError:
        return 0
