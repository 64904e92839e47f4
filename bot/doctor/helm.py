"""Helm, by which charts are deployed."""

import asyncio
import re
from collections.abc import Sequence

from bot.doctor.findings import Examined, Finding, fine, note, wrong
from bot.model.text import Text

OLDEST = (3, 8)
"""The first with OCI registries out of the box."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.\d+")
_ADVICE = Text(
    en="Put Helm 3.8 or newer on the bot's PATH: https://helm.sh/docs/intro/install/.",
    zh="请在机器人的 PATH 中安装 Helm 3.8 或更新版本：https://helm.sh/zh/docs/intro/install/。",
)


async def check(_examined: Examined) -> Sequence[Finding]:
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
            en="there is no helm on the PATH: charts cannot be deployed",
            zh="PATH 中没有 helm，无法部署 Chart",
        )
        return [note(missing, _ADVICE)]
    output, _ = await process.communicate()
    return [judged(output.decode("utf-8", "replace").strip())]


def judged(said: str) -> Finding:
    """Judge what `helm version --short` says, such as `v3.14.0+g3fc9f4b`."""
    found = _VERSION.match(said)
    if found is None:
        return wrong(
            Text(en=f"helm does not tell its version: {said}", zh=f"helm 没有给出版本：{said}"), _ADVICE
        )
    if (int(found[1]), int(found[2])) < OLDEST:
        return wrong(Text(en=f"Helm {found[0]} is too old", zh=f"Helm {found[0]} 版本过旧"), _ADVICE)
    return fine(en=f"Helm {found[0]}", zh=f"Helm {found[0]}")
