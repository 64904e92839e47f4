"""Checks Helm, which deploys charts."""

import asyncio
import re
from collections.abc import Sequence

from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.model.text import Text

OLDEST = (3, 8)
"""The first version with OCI registries enabled by default."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.\d+")
_ADVICE = Text(
    en="Install Helm 3.8 or newer on the bot's PATH: https://helm.sh/docs/intro/install/.",
    zh="请在机器人的 PATH 中安装 Helm 3.8 或更新版本：https://helm.sh/zh/docs/intro/install/。",
)


async def check(_options: DoctorOptions) -> Sequence[Finding]:
    """Ask Helm for its version."""
    try:
        process = await asyncio.create_subprocess_exec(
            *("helm", "version", "--short"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        missing = Text(
            en="helm is not on the PATH: charts cannot be deployed",
            zh="PATH 中没有 helm，无法部署 Chart",
        )
        return [note(missing, _ADVICE)]
    output, _ = await process.communicate()
    return [version_finding(output.decode("utf-8", "replace").strip())]


def version_finding(output: str) -> Finding:
    """Compare the output of `helm version --short`, such as `v3.14.0+g3fc9f4b`, with the oldest version."""
    found = _VERSION.match(output)
    if found is None:
        return wrong(
            Text(en=f"helm does not report its version: {output}", zh=f"helm 没有给出版本：{output}"), _ADVICE
        )
    if (int(found[1]), int(found[2])) < OLDEST:
        return wrong(Text(en=f"Helm {found[0]} is too old", zh=f"Helm {found[0]} 版本过旧"), _ADVICE)
    return fine(en=f"Helm {found[0]}", zh=f"Helm {found[0]}")
