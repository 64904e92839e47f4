"""Jenkins: its address, the bot's account, and the jobs that repositories known by name want to use."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.app.adapters import open_jenkins
from bot.core.deciding import placeholders
from bot.doctor.findings import Examined, Finding, fine, note, wrong
from bot.doctor.gitee import named
from bot.gitee.client import GiteeClient
from bot.gitee.transport import Transport
from bot.model.errors import ChatOpsError
from bot.model.forge import RepoPath
from bot.model.pipeline import Pipeline
from bot.model.reason import Reason
from bot.model.text import Text
from bot.pipeline import config_file
from bot.runners.jenkins import paths, responses
from bot.runners.jenkins.client import JenkinsClient
from bot.runners.jenkins.jobs import JenkinsJobs
from bot.settings.model import Settings

_PAGE = 2 << 20
_MAY_BUILD = b"build?delay=0sec"
"""In the page of a job, the link that only those see who may start it: no part of the API tells that."""
_COMMANDS = frozenset({"build", "deploy", "test", "teardown"})
_PER_PULL = re.compile(r"\{(?!owner\}|name\}|repository\})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job that a repository names; `parameters` are those that it sets."""

    repo: RepoPath
    job: str
    parameters: frozenset[str]


def wanted(settings: Settings) -> bool:
    """Whether these settings use Jenkins at all."""
    return bool(settings.jenkins.url)


async def check(examined: Examined) -> Sequence[Finding]:
    """Find out whether Jenkins answers, who the bot is there, and whether the jobs are as it needs them."""
    jobs = open_jenkins(examined.settings)
    try:
        found = [await _account(jobs.client, examined.settings), *_policy(examined.settings)]
        looks = [_job(jobs, one) for one in await _named_jobs(examined)]
        return [*found, *(finding for each in await asyncio.gather(*looks) for finding in each)]
    except ChatOpsError as error:
        return [_failed(error)]
    finally:
        await jobs.close()


async def _account(client: JenkinsClient, settings: Settings) -> Finding:
    root = await client.json("", "quietingDown")
    who = await client.json("/whoAmI")
    url, chosen = settings.jenkins.url, settings.jenkins
    if root is None or who is None:
        return wrong(
            Text(en=f"what answers at {url} is not Jenkins", zh=f"{url} 不是 Jenkins"),
            Text(en="Correct [jenkins] url; its path counts.", zh="请更正 [jenkins] url，注意包含路径。"),
        )
    if root.get("quietingDown"):
        return note(Text(en=f"{url} is about to shut down", zh=f"{url} 即将关闭，暂不执行新任务"))
    name = who.get("name")
    if chosen.password.get_secret_value() and not chosen.token.get_secret_value():
        return note(
            Text(en=f"the bot is {name} at {url}, by its password", zh=f"机器人在 {url} 用密码登录为 {name}"),
            Text(en="Prefer an API token: [jenkins] token.", zh="建议改用 API Token：[jenkins] token。"),
        )
    return fine(en=f"the bot is {name} at {url}", zh=f"机器人在 {url} 的账号是 {name}")


def _policy(settings: Settings) -> Iterator[Finding]:
    if not settings.jenkins.jobs:
        yield wrong(
            Text(en="no repository may use any job", zh="所有仓库都不能使用任何任务"),
            Text(
                en='Set [jenkins] jobs, such as ["{owner}/{name}/**"].',
                zh='请设置 [jenkins] jobs，例如 ["{owner}/{name}/**"]。',
            ),
        )


async def _named_jobs(examined: Examined) -> Sequence[Wanted]:
    """Return what the repositories that are known by name say in their configuration."""
    async with _forge(examined.settings) as forge:
        return [one for repo in named(examined) async for one in _named_by(forge, repo)]


@asynccontextmanager
async def _forge(settings: Settings) -> AsyncIterator[GiteeClient]:
    client = GiteeClient(Transport(settings.gitee.api, settings.gitee.token.get_secret_value()))
    try:
        yield client
    finally:
        await client.aclose()


async def _named_by(forge: GiteeClient, repo: RepoPath) -> AsyncIterator[Wanted]:
    try:
        content = await forge.file(repo, config_file.FILE, await forge.default_branch(repo))
    except ChatOpsError:
        return  # said by the check of Gitee
    pipeline = config_file.read(content or b"", file="", ref="", known_commands=_COMMANDS)
    if isinstance(pipeline, Pipeline):
        for section in (pipeline.build, pipeline.deploy, pipeline.test, pipeline.teardown):
            if section.job is not None:
                yield Wanted(repo, section.job, frozenset(section.parameters))


async def _job(jobs: JenkinsJobs, wanted: Wanted) -> Sequence[Finding]:
    values = {"owner": wanted.repo.owner, "name": wanted.repo.name, "repository": str(wanted.repo)}
    template = wanted.job
    if _PER_PULL.search(template):
        return [await _folder(jobs, wanted, values)]
    name = placeholders.job_name(template, values)
    if not jobs.allows(str(wanted.repo), name):
        return [
            wrong(
                Text(en=f"{wanted.repo} may not use {name}", zh=f"{wanted.repo} 不能使用任务 {name}"),
                Text(en="Allow it in [jenkins] jobs.", zh="请在 [jenkins] jobs 中允许它。"),
            )
        ]
    try:
        data = await jobs.client.json(paths.job(name), responses.JOB_TREE, job=name)
        page = await jobs.client.content(f"{paths.job(name)}/", _PAGE, job=name)
    except ChatOpsError as error:
        return [_failed(error)]
    if data is None:
        return [_unknown(name)]
    return [_judged(name, responses.job(data), wanted.parameters, may_build=_MAY_BUILD in (page or b""))]


async def _folder(jobs: JenkinsJobs, wanted: Wanted, values: dict[str, str]) -> Finding:
    """Look at what is above a job that each pull request has of its own."""
    parts = wanted.job.split("/")
    known = parts[: next(place for place, part in enumerate(parts) if _PER_PULL.search(part))]
    name = placeholders.job_name("/".join(known), values)
    if known and await jobs.client.json(paths.job(name), "fullName", job=name) is None:
        return _unknown(name)
    return note(
        Text(
            en=f"{wanted.repo} uses {wanted.job}, which only a pull request makes out",
            zh=f"{wanted.repo} 使用 {wanted.job}，具体任务要到 Pull Request 中才能确定",
        )
    )


def _judged(name: str, job: responses.JenkinsJob, parameters: frozenset[str], *, may_build: bool) -> Finding:
    if not job.buildable:
        return wrong(
            Text(en=f"{name} is disabled, or no job", zh=f"{name} 已被禁用，或不是任务"),
            Text(en="Enable it in Jenkins.", zh="请在 Jenkins 中启用它。"),
        )
    missing = ", ".join(sorted((parameters | {responses.KEY}) - job.parameters))
    if missing:
        return wrong(
            Text(en=f"{name} does not declare {missing}", zh=f"{name} 没有声明参数 {missing}"),
            Text(
                en="Add string parameters of these names; a pipeline has to run once before they count.",
                zh="请声明同名的字符串参数；流水线要先运行一次，参数才会生效。",
            ),
        )
    if not may_build:
        return note(
            Text(
                en=f"{name}: the bot's account may not be able to start it",
                zh=f"{name}：机器人账号可能无权启动",
            ),
            Text(
                en="Give it Job/Read, Job/Build and Job/Cancel.",
                zh="请授予它 Job/Read、Job/Build 和 Job/Cancel 权限。",
            ),
        )
    return fine(en=f"{name} is ready", zh=f"{name} 可以使用")


def _unknown(name: str) -> Finding:
    return wrong(
        Text(en=f"there is no {name}, or the bot may not see it", zh=f"没有 {name}，或机器人看不到它"),
        Text(
            en="Create it, or give the bot's account Job/Read.",
            zh="请创建它，或授予机器人 Job/Read 权限。",
        ),
    )


def _failed(error: ChatOpsError) -> Finding:
    told = error.facts.get("message", str(error))
    if error.reason is Reason.JENKINS_LOGIN:
        return wrong(
            Text(en=f"the account was refused: {told}", zh=f"账号验证失败：{told}"),
            Text(en="Check [jenkins] user and token.", zh="请检查 [jenkins] 的 user 和 token。"),
        )
    if error.reason is Reason.JENKINS_DENIED:
        permission = error.facts.get("permission") or "Overall/Read"
        return wrong(
            Text(en=f"the account lacks {permission}", zh=f"账号缺少权限 {permission}"),
            Text(en="Grant it in Jenkins.", zh="请在 Jenkins 中授权。"),
        )
    return wrong(
        Text(en=f"Jenkins does not answer: {told}", zh=f"Jenkins 没有响应：{told}"),
        Text(
            en="Check [jenkins] url, and that Jenkins runs.",
            zh="请检查 [jenkins] url，并确认 Jenkins 正在运行。",
        ),
    )
