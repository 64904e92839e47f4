"""Checks the settings for what they lack."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.core.admission import served
from bot.core.language import catalog
from bot.discovery import find_commands
from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.model.text import Text
from bot.settings.model import Settings
from bot.settings.problems import SettingsError


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check what can be checked without any other part."""
    found = [*_findings(options.settings), *_permissions(options.settings)]
    return found or [fine(en="complete", zh="配置完整")]


def broken(error: SettingsError) -> Finding:
    """Report settings that cannot be loaded."""
    problems = "\n".join(error.problems)
    return wrong(
        Text(en=problems, zh=problems),
        Text(en="Correct these; nothing else was checked.", zh="请先改正以上各项，其余检查未进行。"),
    )


def _findings(settings: Settings) -> Iterator[Finding]:
    if not settings.repos.allow:
        yield wrong(
            Text(en="the bot serves no repository", zh="机器人没有为任何仓库服务"),
            Text(en='Set [repos] allow = ["your-team/*"].', zh='请设置 [repos] allow = ["your-team/*"]。'),
        )
    if not settings.gitee.webhook_secret:
        yield wrong(
            Text(en="every webhook is rejected", zh="所有 Webhook 都会被拒绝"),
            Text(
                en="Set [gitee] webhook_secret, and enter the same value in the webhooks.",
                zh="请设置 [gitee] webhook_secret，并在 Webhook 中填写相同的值。",
            ),
        )
    if not settings.server.public_url:
        yield note(
            Text(en="links in comments work on this machine only", zh="评论中的链接只有本机能打开"),
            Text(
                en="Set [server] public_url to the address at which browsers reach the bot; until then it"
                " answers only to localhost and to addresses by number, webhooks included.",
                zh="请把 [server] public_url 设为大家的浏览器能访问的地址；在此之前，包括 Webhook 在内，"
                "机器人只接受发往 localhost 和 IP 地址的请求。",
            ),
        )
    if settings.dns.etcd and not settings.dns.address:
        yield wrong(
            Text(en="[dns] etcd is set, but [dns] address is not", zh="设置了 [dns] etcd，却没有 address"),
            Text(
                en="Set [dns] address to the address that serves previews.",
                zh="请把 [dns] address 设为提供预览服务的地址。",
            ),
        )
    yield from _data_dir(settings.server.data_dir)


def _permissions(settings: Settings) -> Iterator[Finding]:
    for problem in catalog.misnamed(settings.permissions, find_commands()):
        yield wrong(
            Text(en=problem, zh=problem),
            Text(en="Correct it; the bot does not start.", zh="请改正，否则机器人不会启动。"),
        )
    for entry in settings.permissions:
        literal = served.literal([entry.pattern]) if entry.pattern else ()
        if any(not served.serves(settings.repos.allow, repo) for repo in literal):
            yield wrong(
                Text(
                    en=f"{entry.source}: the bot does not serve {entry.pattern}",
                    zh=f"{entry.source}：机器人没有为 {entry.pattern} 服务",
                ),
                Text(
                    en="Correct the name, or add the repository to [repos] allow.",
                    zh="请改正名称，或把该仓库加入 [repos] allow。",
                ),
            )


def _data_dir(folder: Path) -> Iterator[Finding]:
    if folder.exists() and stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO:
        yield note(
            Text(
                en=f"every account of this machine can look into {folder}",
                zh=f"本机所有账号都能查看 {folder}",
            ),
            Text(en=f"Run `chmod o= {folder}`.", zh=f"请执行 `chmod o= {folder}`。"),
        )
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield wrong(
            Text(en=f"{existing} cannot be written to", zh=f"无法写入 {existing}"),
            Text(
                en="Give the bot's account write access, or choose another [server] data_dir.",
                zh="请让机器人的系统账号可以写入，或更换 [server] data_dir。",
            ),
        )
