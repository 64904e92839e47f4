"""Checks the Docker Engine."""

from collections.abc import Sequence
from pathlib import Path

from bot.doctor import build_limits, disk_count, other_owners
from bot.doctor.findings import DoctorOptions, Finding, fine, wrong
from bot.model.errors import ChatOpsError
from bot.model.pipeline import RunnerName
from bot.model.secrets import SecretStep
from bot.model.text import Text
from bot.runners.docker.build_session import opened
from bot.runners.docker.connection import resolve
from bot.runners.docker.engine import DockerEngine, EngineFault, EngineRefused
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
        secrets = await _build_secrets(engine, options.settings)
    except ChatOpsError as error:
        return [_unreachable(error)]
    finally:
        await engine.close()
    local = resolve(options.settings.docker.host).socket is not None
    return [
        _version(str(version.get("Version", "?")), str(version["ApiVersion"])),
        build_limits.measured(str(info.get("CgroupDriver", "?")), local=local),
        disk_count.measured(Path(str(info.get("DockerRootDir", "/"))), local=local),
        *secrets,
        *await other_owners.findings(options.settings, RunnerName.DOCKER, items),
    ]


async def _build_secrets(engine: DockerEngine, settings: Settings) -> Sequence[Finding]:
    """Try what builds need to get secrets, if there is a secret for builds: a session of BuildKit."""
    if not any(SecretStep.BUILD in one.steps and one.has_value for one in settings.secrets.values()):
        return []
    try:
        async with opened(engine, ()):
            return [fine(en="builds can get secrets", zh="构建可以得到机密")]
    except (EngineFault, EngineRefused) as error:
        return [
            wrong(
                Text(
                    en=f"builds get no secrets: the engine opens no session of BuildKit: {error.message}",
                    zh=f"构建得不到机密，Docker Engine 无法打开 BuildKit 会话：{error.message}",
                ),
                Text(
                    en="Use an engine with BuildKit, and let proxies before it pass upgraded connections.",
                    zh="请使用支持 BuildKit 的 Docker Engine；如果前面有代理，请允许协议升级（Upgrade）。",
                ),
            )
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
