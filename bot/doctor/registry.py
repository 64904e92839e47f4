"""The registry that images are pushed to."""

from collections.abc import Sequence

from bot.adapters import open_registry
from bot.doctor.findings import Examined, Finding, fine, wrong
from bot.model.text import Text


async def look(examined: Examined) -> Sequence[Finding]:
    """Ask the registry whether it answers and takes the credentials."""
    chosen = examined.settings.registry
    async with open_registry(examined.settings) as registry:
        trouble = await registry.ping()
    if trouble is None:
        return [fine(en=f"{chosen.url} answers", zh=f"{chosen.url} 可以访问")]
    return [
        wrong(
            Text(en=trouble, zh=f"镜像仓库有问题：{trouble}"),
            Text(
                en="Check [registry] url, username and password, and that the registry runs.",
                zh="请检查 [registry] 的 url、username 和 password，并确认镜像仓库正在运行。",
            ),
        )
    ]
