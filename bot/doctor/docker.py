"""Checks the Docker Engine."""

from collections.abc import Sequence
from pathlib import Path

from bot.doctor import build_limits, disk_count, other_owners
from bot.doctor.findings import DoctorOptions, Finding, fine, wrong
from bot.model.errors import ChatOpsError
from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.runners.docker.connection import resolve
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.platform import DockerPlatform
from bot.settings.model import Settings

OLDEST = (1, 41)
"""API version of Docker 20.10, the oldest engine that is supported."""


def enabled(settings: Settings) -> bool:
    """Whether the settings enable the engine."""
    return settings.docker.enabled


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check that the engine answers and is new enough, and what limits its builds and containers."""
    try:
        engine = await DockerEngine.connect(options.settings.docker.host)
    except ChatOpsError as error:
        return [_unreachable(error)]
    try:
        version = await engine.version()
        info = await engine.get("/info")
        items = await DockerPlatform(engine, instance=options.settings.docker.instance).inventory()
    except ChatOpsError as error:
        return [_unreachable(error)]
    finally:
        await engine.close()
    local = resolve(options.settings.docker.host).socket is not None
    return [
        _version(str(version.get("Version", "?")), str(version["ApiVersion"])),
        build_limits.measured(str(info.get("CgroupDriver", "?")), local=local),
        disk_count.measured(Path(str(info.get("DockerRootDir", "/"))), local=local),
        *await other_owners.findings(options.settings, RunnerName.DOCKER, items),
    ]


def _unreachable(error: ChatOpsError) -> Finding:
    message = error.facts.get("message") or error.facts.get("what", "")
    return wrong(
        Text(en=f"the engine does not respond: {message}", zh=f"Docker Engine 没有响应：{message}"),
        Text(
            en="Start Docker, give the bot's account access to its socket, or correct [docker] host.",
            zh="请启动 Docker，确认机器人的系统账号有权访问它的 socket，或更正 [docker] host。",
        ),
    )


def _version(version: str, api: str) -> Finding:
    if tuple(int(part) for part in api.split(".")) >= OLDEST:
        return fine(en=f"Docker {version}, API {api}", zh=f"Docker {version}，API {api}")
    return wrong(
        Text(en=f"Docker {version} is too old: API {api}", zh=f"Docker {version} 版本过旧：API {api}"),
        Text(en="Install Docker 20.10 or newer.", zh="请安装 Docker 20.10 或更新的版本。"),
    )
