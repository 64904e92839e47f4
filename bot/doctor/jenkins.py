"""Checks Jenkins, the bot's account there, and the jobs of repositories that are known by name."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.app.runners import open_jenkins
from bot.core.admission import secrets
from bot.core.deciding import placeholders
from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.doctor.gitee import named
from bot.gitee.client import GiteeClient
from bot.gitee.transport import Transport
from bot.model.errors import ChatOpsError
from bot.model.forge import RepoPath
from bot.model.pipeline import BuildConfig, DeployConfig, Pipeline, TeardownConfig
from bot.model.reason import Reason
from bot.model.text import Text
from bot.pipeline import config_file
from bot.runners.jenkins import paths, responses
from bot.runners.jenkins.client import JenkinsClient
from bot.runners.jenkins.jobs import JenkinsJobs
from bot.sandbox.process import ProcessSandbox
from bot.settings.model import Settings
from bot.steps.job import JobConfig

_PAGE = 2 << 20
_MAY_BUILD = b"build?delay=0sec"
"""The link on a job's page that only accounts with Job/Build see; the API does not report this permission."""
_COMMANDS = frozenset({"build", "deploy", "test", "teardown"})
_PER_PULL = re.compile(r"\{(?!owner\}|name\}|repository\})")


@dataclass(frozen=True, slots=True)
class NamedJob:
    """A job in the configuration of a repository, and the parameters that it sets."""

    repo: RepoPath
    job: str
    parameters: frozenset[str]


def enabled(settings: Settings) -> bool:
    """Whether the settings name a Jenkins."""
    return bool(settings.jenkins.url)


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check that Jenkins answers, the bot's account, and the jobs."""
    jobs = open_jenkins(options.settings, ProcessSandbox())
    try:
        found = [await _account(jobs.client, options.settings), *_policy(options.settings)]
        checks = [_job(jobs, one) for one in await _named_jobs(options)]
        return [*found, *(finding for each in await asyncio.gather(*checks) for finding in each)]
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
            Text(en=f"{url} is not a Jenkins server", zh=f"{url} 不是 Jenkins 服务器"),
            Text(
                en="Correct [jenkins] url; it includes the path.", zh="请更正 [jenkins] url，注意包含路径。"
            ),
        )
    if root.get("quietingDown"):
        return note(
            Text(en=f"{url} is shutting down and starts no builds", zh=f"{url} 即将关闭，暂不执行新任务")
        )
    name = who.get("name")
    if chosen.password.get_secret_value() and not chosen.token.get_secret_value():
        return note(
            Text(
                en=f"the bot logs in to {url} as {name} with its password",
                zh=f"机器人在 {url} 用密码登录为 {name}",
            ),
            Text(en="Use an API token instead: [jenkins] token.", zh="建议改用 API Token：[jenkins] token。"),
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


async def _named_jobs(options: DoctorOptions) -> Sequence[NamedJob]:
    """Return the jobs in the configurations of the repositories that are known by name."""
    async with _forge(options.settings) as forge:
        return [one for repo in named(options) async for one in _named_by(forge, repo)]


@asynccontextmanager
async def _forge(settings: Settings) -> AsyncIterator[GiteeClient]:
    client = GiteeClient(
        Transport(settings.gitee.api, settings.gitee.token.get_secret_value(), ProcessSandbox())
    )
    try:
        yield client
    finally:
        await client.aclose()


async def _named_by(forge: GiteeClient, repo: RepoPath) -> AsyncIterator[NamedJob]:
    try:
        content = await forge.file(repo, config_file.FILE, await forge.default_branch(repo))
    except ChatOpsError:
        return  # the check of Gitee reports it
    pipeline = config_file.read(content or b"", file="", ref="", known_commands=_COMMANDS)
    if isinstance(pipeline, Pipeline):
        for section in (pipeline.build, pipeline.deploy, pipeline.test, pipeline.teardown):
            if section.job is not None:
                yield NamedJob(repo, section.job, frozenset(_parameters(section)))


def _parameters(section: JobConfig) -> Iterator[str]:
    """Yield the parameters that a section sets, also in one of its environments only."""
    yield from section.parameters
    if isinstance(section, TeardownConfig):
        return
    environments = section.environments.values() if isinstance(section, DeployConfig) else ()
    if any(one.secrets for one in (section, *environments)):
        yield secrets.FILES
    if any(one.secret_env for one in (section, *environments) if not isinstance(one, BuildConfig)):
        yield secrets.VARIABLES


async def _job(jobs: JenkinsJobs, named: NamedJob) -> Sequence[Finding]:
    values = {"owner": named.repo.owner, "name": named.repo.name, "repository": str(named.repo)}
    template = named.job
    if _PER_PULL.search(template):
        return [await _folder(jobs, named, values)]
    name = placeholders.job_name(template, values)
    if not jobs.allows(str(named.repo), name):
        return [
            wrong(
                Text(en=f"{named.repo} may not use {name}", zh=f"{named.repo} 不能使用任务 {name}"),
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
    return [_job_finding(name, responses.job(data), named.parameters, may_build=_MAY_BUILD in (page or b""))]


async def _folder(jobs: JenkinsJobs, named: NamedJob, values: dict[str, str]) -> Finding:
    """Check the folder of a job whose name depends on the pull request."""
    parts = named.job.split("/")
    known = parts[: next(index for index, part in enumerate(parts) if _PER_PULL.search(part))]
    name = placeholders.job_name("/".join(known), values)
    if known and await jobs.client.json(paths.job(name), "fullName", job=name) is None:
        return _unknown(name)
    return note(
        Text(
            en=f"{named.repo} uses {named.job}, whose name depends on the pull request",
            zh=f"{named.repo} 使用 {named.job}，任务名取决于 PR",
        )
    )


def _job_finding(
    name: str, job: responses.JenkinsJob, parameters: frozenset[str], *, may_build: bool
) -> Finding:
    if not job.buildable:
        return wrong(
            Text(en=f"{name} is disabled or is not a job", zh=f"{name} 已被禁用，或不是任务"),
            Text(en="Enable it in Jenkins.", zh="请在 Jenkins 中启用它。"),
        )
    missing = ", ".join(sorted((parameters | {responses.KEY}) - job.parameters))
    if missing:
        return wrong(
            Text(en=f"{name} does not declare {missing}", zh=f"{name} 没有声明参数 {missing}"),
            Text(
                en="Declare string parameters with these names; a pipeline must run once before they take"
                " effect.",
                zh="请声明同名的字符串参数；流水线要先运行一次，参数才会生效。",
            ),
        )
    if not may_build:
        return note(
            Text(
                en=f"{name}: the bot's account may be unable to start it",
                zh=f"{name}：机器人账号可能无权启动",
            ),
            Text(
                en="Grant it Job/Read, Job/Build and Job/Cancel.",
                zh="请授予它 Job/Read、Job/Build 和 Job/Cancel 权限。",
            ),
        )
    return fine(en=f"{name} is ready", zh=f"{name} 可以使用")


def _unknown(name: str) -> Finding:
    return wrong(
        Text(en=f"{name} does not exist, or the bot cannot see it", zh=f"没有 {name}，或机器人看不到它"),
        Text(
            en="Create it, or grant the bot's account Job/Read.",
            zh="请创建它，或授予机器人 Job/Read 权限。",
        ),
    )


def _failed(error: ChatOpsError) -> Finding:
    message = error.facts.get("message", str(error))
    if error.reason is Reason.JENKINS_LOGIN:
        return wrong(
            Text(en=f"the account was refused: {message}", zh=f"账号验证失败：{message}"),
            Text(en="Check [jenkins] user and token.", zh="请检查 [jenkins] 的 user 和 token。"),
        )
    if error.reason is Reason.JENKINS_DENIED:
        permission = error.facts.get("permission") or "Overall/Read"
        return wrong(
            Text(en=f"the account lacks {permission}", zh=f"账号缺少权限 {permission}"),
            Text(en="Grant it in Jenkins.", zh="请在 Jenkins 中授权。"),
        )
    return wrong(
        Text(en=f"Jenkins does not respond: {message}", zh=f"Jenkins 没有响应：{message}"),
        Text(
            en="Check [jenkins] url, and that Jenkins is running.",
            zh="请检查 [jenkins] url，并确认 Jenkins 正在运行。",
        ),
    )
