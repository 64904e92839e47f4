"""Checks the operator's secrets, and says who may have which, without their values."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

from bot.app.runners import cluster_reader
from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.model.errors import ChatOpsError
from bot.model.secrets import SecretProblem, SecretTrust
from bot.model.text import Text
from bot.secrets.sources import ReadCluster
from bot.settings.model import SecretSettings, Settings


def enabled(settings: Settings) -> bool:
    """Whether the operator has named a secret."""
    return bool(settings.secrets)


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Read every secret, and say who may have it."""
    async with AsyncExitStack() as stack:
        read = cluster_reader(options.settings, stack)
        return [finding async for finding in _findings(options.settings, read)]


async def _findings(settings: Settings, read: ReadCluster) -> AsyncIterator[Finding]:
    for name, secret in sorted(settings.secrets.items()):
        try:
            if secret.has_value:
                await secret.source(name).fetch(read)
        except (SecretProblem, ChatOpsError) as problem:
            yield wrong(
                Text(en=f"{name}: {problem}", zh=f"{name}：{problem}"),
                Text(en="Steps that ask for it fail until then.", zh="在此之前，需要它的步骤都会失败。"),
            )
        else:
            yield _grant(name, secret)


def _grant(name: str, secret: SecretSettings) -> Finding:
    """Say who may have a secret; one that outside contributors may have is worth knowing."""
    steps, repos = ", ".join(secret.steps), ", ".join(secret.repos)
    where = "" if "*" in secret.environments else f" ({', '.join(secret.environments)})"
    en, zh = f"{name}: {steps}{where} of {repos}", f"{name}：{repos} 的 {steps}{where}"
    if secret.jenkins:
        en, zh = f"{en}, in Jenkins as {secret.jenkins}", f"{zh}，在 Jenkins 中是 {secret.jenkins}"
    if secret.trust is SecretTrust.MEMBERS:
        return fine(en=en, zh=zh)
    return note(
        Text(
            en=f"{en}, also approved commits of outside contributors",
            zh=f"{zh}，包括已放行的外部贡献者的提交",
        ),
        Text(en="Their code can read and send it.", zh="他们的代码可以读取并外传它。"),
    )
