"""Why a Jenkins job did not deliver what its step needs."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.infrastructure import TRY_LATER
from bot.words.sentence import Wording

JENKINS: Final[Mapping[Reason, Wording]] = {
    Reason.JENKINS_JOB_UNKNOWN: Wording(
        Text(
            en="Jenkins has no job {job}, or the bot's account may not see it.",
            zh="Jenkins 上没有任务 {job}，或机器人账号看不到它。",
        ),
        advice=Text(
            en="Check `job` in `.chatops.yml` (folders are separated by slashes), and that the bot's"
            " account may read the job.",
            zh="请检查 `.chatops.yml` 中的 `job`（目录之间用斜杠分隔），并确认机器人账号有该任务的读取权限。",
        ),
    ),
    Reason.JENKINS_JOB_DISABLED: Wording(
        Text(en="The Jenkins job {job} is disabled.", zh="Jenkins 任务 {job} 已被禁用。"),
        advice=Text(en="Enable it in Jenkins, then comment again.", zh="请先在 Jenkins 中启用，再重新评论。"),
    ),
    Reason.JENKINS_JOB_NOT_ALLOWED: Wording(
        Text(
            en="This repository may not use the Jenkins job {job}.",
            zh="这个仓库不能使用 Jenkins 任务 {job}。",
        ),
        advice=Text(
            en="An operator allows jobs in `[jenkins] jobs`.",
            zh="允许使用的任务由管理员在 `[jenkins] jobs` 中设定。",
        ),
    ),
    Reason.JENKINS_PARAMETERS: Wording(
        Text(
            en="The Jenkins job {job} does not declare {parameters}, so they cannot be passed to it.",
            zh="Jenkins 任务 {job} 没有声明参数 {parameters}，无法传入。",
        ),
        advice=Text(
            en="Declare them in the job as string parameters; parameters that a pipeline declares take"
            " effect after its first run.",
            zh="请在任务中把它们声明为字符串参数；流水线中声明的参数，要先运行一次才会生效。",
        ),
    ),
    Reason.JENKINS_LOGIN: Wording(
        Text(
            en="Jenkins does not accept the bot's username and its token or password: {message}. An"
            " operator should check `[jenkins]`.",
            zh="Jenkins 不接受机器人的用户名与 Token 或密码：{message}。请管理员检查 `[jenkins]` 配置。",
        ),
    ),
    Reason.JENKINS_DENIED: Wording(
        Text(
            en="The bot's account in Jenkins lacks the permission {permission} for {job}. A Jenkins"
            " administrator can grant it.",
            zh="机器人账号在 Jenkins 上对 {job} 没有 {permission} 权限，请 Jenkins 管理员授权。",
        ),
        without=Wording(
            Text(
                en="Jenkins denies the bot's account access to {job}. A Jenkins administrator can grant it.",
                zh="机器人账号在 Jenkins 上无权访问 {job}，请 Jenkins 管理员授权。",
            ),
            without=Wording(
                Text(
                    en="The bot's account in Jenkins lacks the permission {permission}. A Jenkins"
                    " administrator can grant it.",
                    zh="机器人账号在 Jenkins 上没有 {permission} 权限，请 Jenkins 管理员授权。",
                ),
                without=Text(
                    en="Jenkins denies the bot's account access. A Jenkins administrator can grant it.",
                    zh="机器人账号在 Jenkins 上权限不足，请 Jenkins 管理员授权。",
                ),
            ),
        ),
    ),
    Reason.JENKINS_UNAVAILABLE: Wording(
        Text(en="Jenkins does not respond: {message}.", zh="Jenkins 没有响应：{message}。"),
        advice=TRY_LATER,
    ),
    Reason.JENKINS_QUEUED_TOO_LONG: Wording(
        Text(
            en="The job {job} was removed from Jenkins' queue after {seconds}: {why}.",
            zh="任务 {job} 在 Jenkins 队列中等待超过 {seconds}，已移出队列：{why}。",
        ),
        without=Text(
            en="The job {job} was removed from Jenkins' queue after {seconds}.",
            zh="任务 {job} 在 Jenkins 队列中等待超过 {seconds}，已移出队列。",
        ),
    ),
    Reason.JENKINS_FAILED: Wording(
        Text(
            en="The Jenkins job {job} ended with {result} (build #{number}).",
            zh="Jenkins 任务 {job} 的第 {number} 次构建结果为 {result}。",
        ),
        without=Text(
            en="The Jenkins job {job} ended with {result}.", zh="Jenkins 任务 {job} 的结果为 {result}。"
        ),
    ),
    Reason.JENKINS_ABORTED: Wording(
        Text(
            en="Build #{number} of {job} was aborted in Jenkins.",
            zh="Jenkins 任务 {job} 的第 {number} 次构建在 Jenkins 上被中止。",
        ),
        without=Text(
            en="The job {job} was removed from the queue in Jenkins.",
            zh="任务 {job} 在 Jenkins 上被移出了队列。",
        ),
    ),
    Reason.JENKINS_LOST: Wording(
        Text(
            en="Jenkins no longer knows the build of {job}: it was deleted, or lost in a restart. It was"
            " not started again.",
            zh="Jenkins 上已找不到任务 {job} 的这次构建，可能已被删除，或在重启时丢失。没有重新触发。",
        ),
    ),
    Reason.JENKINS_RESULT_UNREADABLE: Wording(
        Text(
            en="{path} of the job {job} cannot be used: {message}.",
            zh="任务 {job} 给出的 {path} 无法使用：{message}。",
        ),
    ),
    Reason.JENKINS_NO_IMAGE: Wording(
        Text(
            en="The job {job} reported no image: it archived neither `chatops.env` nor `image.txt`.",
            zh="任务 {job} 没有给出镜像：既没有归档 `chatops.env`，也没有归档 `image.txt`。",
        ),
    ),
    Reason.JENKINS_NO_REPORT: Wording(
        Text(
            en="The job {job} published no test results; publish them with the `junit` step.",
            zh="任务 {job} 没有发布测试结果，请在流水线中使用 `junit` 步骤。",
        ),
    ),
    Reason.JENKINS_NO_TEST_RAN: Wording(
        Text(
            en="No test ran: the results of {job} #{number} list none that was executed.",
            zh="没有运行任何测试：{job} #{number} 的结果里没有执行过的用例。",
        ),
    ),
}
