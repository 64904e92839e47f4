"""Checks buildctl and the buildkitd that builds in the cluster."""

import shutil
from collections.abc import Sequence

from bot.app.runners import open_buildkit
from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.model.text import Text
from bot.settings.model import Settings


def enabled(settings: Settings) -> bool:
    """Whether the settings name a buildkitd."""
    return bool(settings.buildkit.address)


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check that buildctl is installed, that buildkitd lists its workers, and who may command it."""
    chosen = options.settings.buildkit
    if shutil.which("buildctl") is None:
        return [_no_client()]
    trouble = await open_buildkit(options.settings).ping()
    if trouble is not None:
        return [_no_answer(trouble)]
    found = fine(en=f"{chosen.address} responds", zh=f"{chosen.address} 可以访问")
    anyone = chosen.tls_dir is None and chosen.address.startswith("tcp:")
    return [found, _anyone(chosen.address)] if anyone else [found]


def _no_answer(trouble: str) -> Finding:
    return wrong(
        Text(en=f"buildkitd does not respond: {trouble}", zh=f"buildkitd 没有响应：{trouble}"),
        Text(
            en="Check [buildkit] address and tls_dir, that buildkitd is running, and that network"
            " policies admit the bot.",
            zh="请检查 [buildkit] 的 address 和 tls_dir，确认 buildkitd 正在运行，且网络策略允许机器人访问。",
        ),
    )


def _anyone(address: str) -> Finding:
    return note(
        Text(
            en=f"{address} asks for no certificate: anyone who reaches it, even a build, can command it",
            zh=f"{address} 不要求证书：能访问它的都能指挥它，包括构建中的代码",
        ),
        Text(
            en="Start buildkitd with --tlscacert, --tlscert and --tlskey, and set [buildkit] tls_dir.",
            zh="请用 --tlscacert、--tlscert 和 --tlskey 启动 buildkitd，并设置 [buildkit] tls_dir。",
        ),
    )


def _no_client() -> Finding:
    return wrong(
        Text(en="buildctl is not on the PATH", zh="PATH 中没有 buildctl"),
        Text(
            en="Install buildctl, BuildKit's client, in the version of buildkitd or newer.",
            zh="请安装 BuildKit 发行包中的客户端 buildctl，版本不低于 buildkitd。",
        ),
    )
