"""Checks the token at Gitee, its permissions, and the webhooks of repositories that are known by name."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.core.admission import hosts
from bot.core.admission.served import literal, serves
from bot.doctor import rights
from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.gitee.client import GiteeClient
from bot.gitee.hooks import Hook, Hooks
from bot.gitee.rights import PAGE, RightsReader
from bot.gitee.transport import Transport
from bot.model.errors import ChatOpsError, GiveUp
from bot.model.forge import Permission, RepoPath
from bot.model.text import Text
from bot.sandbox.process import ProcessSandbox

INTAKE = "/webhooks/gitee"
_OK = 200
_WILDCARDS = frozenset("*?[")
MOST_PAGES = 5
"""Pages of a hundred repositories that are looked through for matches of a pattern."""
MOST_REPOSITORIES = 40
"""Of these, repositories that are checked: four requests each, within the time of a check."""
_PLAIN_NAME = re.compile(r"[^!*?\[\]/]+/[^*?\[\]/]+")


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check the bot's account, then each repository that is known by name."""
    gitee = options.settings.gitee
    token = gitee.token.get_secret_value()
    if not token:
        return [wrong(Text(en="no token is set", zh="没有设置令牌"), _TOKEN)]
    transport = Transport(gitee.api, token, ProcessSandbox())
    client = GiteeClient(transport)
    try:
        bot = await client.whoami()
        names = hosts.names(options.settings.server.public_url, options.settings.server.hosts)
        reader = RightsReader(transport, client, bot.login)
        repositories = _RepositoryCheck(reader, Hooks(transport), names)
        found = await asyncio.gather(*(repositories.findings(repo) for repo in named(options)))
        matching = await repositories.matching(options.settings.repos.allow)
    except ChatOpsError as error:
        return [_failed(error)]
    finally:
        await client.aclose()
    known = fine(en=f"the bot is {bot.login} at {gitee.url}", zh=f"机器人在 {gitee.url} 的账号是 {bot.login}")
    return [known, rights.UNKNOWABLE, *(finding for findings in found for finding in findings), *matching]


def named(options: DoctorOptions) -> tuple[RepoPath, ...]:
    """Return the repositories that are known by name; patterns with wildcards name none."""
    patterns = (one for one in options.settings.repos.allow if _PLAIN_NAME.fullmatch(one))
    return tuple(dict.fromkeys((*options.repos, *(RepoPath.parse(one) for one in patterns))))


@dataclass(frozen=True, slots=True)
class _RepositoryCheck:
    """Checks repositories with the bot's own account."""

    reader: RightsReader
    hooks: Hooks
    names: tuple[str, ...]
    """Names at which the bot answers."""

    async def findings(self, repo: RepoPath) -> Sequence[Finding]:
        """Check the bot's rights and the webhook of a repository that is known by name."""
        found = await self.reader.of(repo)
        if found.level is Permission.NONE:
            return [rights.invisible(repo)]
        return [*rights.findings(found), await self._hook(repo)]

    async def matching(self, allow: Sequence[str]) -> Sequence[Finding]:
        """Check the bot's rights in those repositories with access that only patterns match.

        Their webhooks are not checked: they may be those of the organization.
        """
        patterns = [one for one in allow if set(one) & _WILDCARDS and not one.startswith("!")]
        if not patterns:
            return []
        seen, complete = await self.reader.seen(MOST_PAGES)
        plain = literal(allow)
        served = [one for one in seen if serves(allow, one) and not any(map(one.same_as, plain))]
        checked = await asyncio.gather(*(self.reader.of(repo) for repo in served[:MOST_REPOSITORIES]))
        unmatched = [one for one in patterns if not any(serves([one], repo) for repo in seen)]
        return [
            *rights.together(checked),
            *(rights.unmatched(unmatched) if complete else ()),
            *_unchecked(len(served) - len(checked), complete=complete),
        ]

    async def _hook(self, repo: RepoPath) -> Finding:
        try:
            hooks = await self.hooks.hooks(repo)
        except GiveUp:
            return note(
                Text(
                    en=f"{repo}: the token cannot list webhooks, so they were not checked",
                    zh=f"{repo}：令牌无权查看 Webhook，未检查",
                ),
                Text(
                    en="Check them by hand, or add the scope hook to the token and make the bot an"
                    " administrator.",
                    zh="请人工检查，或给令牌加上 hook 权限并把机器人设为仓库管理员。",
                ),
            )
        ours = [hook for hook in hooks if hook.url.partition("?")[0].endswith(INTAKE)]
        return hook_finding(repo, ours, self.names)


def _unchecked(left: int, *, complete: bool) -> Iterator[Finding]:
    if left:
        yield rights.unlisted(
            f"repositories matched by a pattern: {left} more were not checked",
            f"与通配符匹配的仓库：另有 {left} 个未检查",
        )
    if not complete:
        most = MOST_PAGES * PAGE
        yield rights.unlisted(
            f"the account has access to more than {most} repositories; the rest were not looked at",
            f"机器人账号可访问的仓库超过 {most} 个，其余未检查",
        )


def hook_finding(repo: RepoPath, ours: Sequence[Hook], names: Sequence[str]) -> Finding:
    """Report whether the webhooks that point to a bot are set up correctly."""
    if not ours:
        return wrong(
            Text(
                en=f"{repo}: no webhook points to a bot ({INTAKE})",
                zh=f"{repo}：没有指向机器人的 Webhook（{INTAKE}）",
            ),
            Text(
                en="Add a webhook for pull requests and comments.",
                zh="请添加 Webhook，勾选 Pull Request 和评论。",
            ),
        )
    if not any(hook.comments and hook.pulls for hook in ours):
        return wrong(
            Text(
                en=f"{repo}: the webhook does not send both pull requests and comments",
                zh=f"{repo}：Webhook 没有同时勾选 Pull Request 和评论",
            ),
            Text(
                en="Select both events in the webhook's settings.", zh="请在 Webhook 设置中勾选这两种事件。"
            ),
        )
    # A proxy in front may send another Host header, so what has arrived is right.
    if not any(hook.last_status == _OK or hosts.answers(urlsplit(hook.url).netloc, names) for hook in ours):
        return _refused_name(repo, urlsplit(ours[0].url).hostname or ours[0].url)
    last = next((hook.last_status for hook in ours if hook.last_status not in {None, 0, _OK}), None)
    if last is not None:
        return note(
            Text(
                en=f"{repo}: the webhook's last delivery was answered with {last}",
                zh=f"{repo}：Webhook 最近一次投递得到的响应是 {last}",
            ),
            Text(
                en="401: the secrets differ. 502 and similar: the bot was not reached.",
                zh="401 表示两边的密钥不一致；502 等表示没有到达机器人。",
            ),
        )
    return fine(en=f"{repo}: the webhook is set up", zh=f"{repo}：Webhook 正常")


def _refused_name(repo: RepoPath, name: str) -> Finding:
    return wrong(
        Text(
            en=f"{repo}: the webhook is sent to {name}, and the bot does not answer to this name",
            zh=f"{repo}：Webhook 发往 {name}，但机器人不接受这个域名",
        ),
        Text(
            en=f'Set [server] public_url to an address with this name, or set [server] hosts = ["{name}"].',
            zh=f'请把 [server] public_url 设为使用该域名的地址，或设置 [server] hosts = ["{name}"]。',
        ),
    )


_TOKEN = Text(
    en="Create a personal access token for the bot's own account with the scopes user_info, projects,"
    " pull_requests and notes, and set [gitee] token.",
    zh="请用机器人专用账号创建私人令牌，勾选 user_info、projects、pull_requests 和 notes，"
    "并设置 [gitee] token。",
)


def _failed(error: ChatOpsError) -> Finding:
    message = error.facts.get("message", str(error))
    if isinstance(error, GiveUp):
        return wrong(Text(en=f"the token was refused: {message}", zh=f"令牌被拒绝：{message}"), _TOKEN)
    return wrong(
        Text(en=f"Gitee does not respond: {message}", zh=f"Gitee 没有响应：{message}"),
        Text(
            en="Check [gitee] url and that this machine can reach it.",
            zh="请检查 [gitee] url，并确认本机能访问它。",
        ),
    )
