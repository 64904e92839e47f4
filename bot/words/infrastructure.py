"""Why a run ended by an event or at a limit, or was kept from going on by the infrastructure."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.sentence import Wording

_WAIT_FOR_AN_OPERATOR = Text(
    en="The code is not at fault; try again once an operator has fixed it.",
    zh="这不是代码的问题，管理员恢复后可以重试。",
)
TRY_LATER = Text(en="The code is not at fault; try again later.", zh="这不是代码的问题，稍后可以重试。")
_LATER = Text(en="Try again later.", zh="稍后可以重试。")

ENDED: Final[Mapping[Reason, Wording]] = {
    Reason.CANCELLED: Wording(
        Text(en="Cancelled by {who}.", zh="由 {who} 取消。"),
    ),
    Reason.SUPERSEDED: Wording(
        Text(en="Superseded by a newer commit, {by}.", zh="已被新的提交 {by} 取代。"),
        without=Text(en="Superseded by a newer commit.", zh="已被新的提交取代。"),
    ),
    Reason.CLOSED: Wording(
        Text(en="The PR was closed, which stopped the run.", zh="PR 已关闭，运行随之停止。"),
    ),
    Reason.APPROVAL_REVOKED: Wording(
        Text(en="{who} revoked the approval of this commit.", zh="{who} 撤销了对这个提交的放行。"),
    ),
    Reason.APPROVAL_DELETED: Wording(
        Text(
            en="The comment in which {who} approved this commit was deleted.",
            zh="{who} 放行这个提交的评论已被删除。",
        ),
    ),
    Reason.APPROVAL_EDITED: Wording(
        Text(
            en="The comment in which {who} approved this commit was edited.",
            zh="{who} 放行这个提交的评论已被编辑。",
        ),
    ),
    Reason.APPROVER_DEMOTED: Wording(
        Text(
            en="{who}, who approved this commit, may no longer approve.",
            zh="放行这个提交的 {who} 已不再有放行权限。",
        ),
    ),
    Reason.SKIPPED_AFTER_FAILURE: Wording(
        Text(en="An earlier step did not succeed.", zh="前面的步骤没有成功。"),
    ),
    Reason.TOO_EXPENSIVE: Wording(
        Text(
            en="Reading {name} takes more than {seconds} of processor time or {limit} of memory, so it was"
            " not read.",
            zh="读取 {name} 需要的 CPU 时间超过 {seconds}，或内存超过 {limit}，因此没有读取。",
        ),
        advice=Text(
            en="Make it smaller or simpler, or split it into several files.",
            zh="请缩小或简化它，或拆成多个文件。",
        ),
    ),
    Reason.TIMED_OUT: Wording(
        Text(
            en="{step} did not finish within {seconds} and was stopped.",
            zh="{step}在 {seconds}内没有完成，已停止。",
        ),
    ),
    Reason.RUN_TIMED_OUT: Wording(
        Text(
            en="The run took longer than {longest}, the maximum that the operator allows, and was stopped.",
            zh="运行总时长超过了管理员设定的上限 {longest}，已停止。",
        ),
    ),
    Reason.INTERRUPTED: Wording(
        Text(
            en="This step was interrupted {times} times and is not tried again. It may be what makes the"
            " bot exit: an operator should check the log.",
            zh="这一步被中断了 {times} 次，不再重试。可能正是它导致机器人退出，请管理员查看日志。",
        ),
    ),
    Reason.INTERNAL: Wording(
        Text(
            en="The bot had an internal error, {id}. An operator can find the cause in the log by this id.",
            zh="机器人内部出错，编号 {id}。管理员可以凭编号在日志中查到原因。",
        ),
    ),
}

INFRASTRUCTURE: Final[Mapping[Reason, Wording]] = {
    Reason.ENGINE_UNAVAILABLE: Wording(
        Text(en="The Docker Engine does not respond: {message}.", zh="Docker Engine 没有响应：{message}。"),
        advice=_WAIT_FOR_AN_OPERATOR,
    ),
    Reason.OUTPUT_LATE: Wording(
        Text(
            en="The runner did not give the output of the services within {seconds} s.",
            zh="执行器没有在 {seconds} 秒内给出服务的输出。",
        ),
        advice=_WAIT_FOR_AN_OPERATOR,
    ),
    Reason.EGRESS_UNBOUNDED: Wording(
        Text(
            en="The operator lets this environment reach other networks ([egress.{name}]), but the firewall"
            " rules that bound this are not set: {message}.",
            zh="管理员允许此环境访问其他网络（[egress.{name}]），但限制访问范围的防火墙规则没有生效：{message}。",
        ),
        advice=_WAIT_FOR_AN_OPERATOR,
    ),
    Reason.DISK_FULL: Wording(
        Text(
            en="The disk of the Docker Engine is nearly full ({free} free), so the build was stopped.",
            zh="Docker Engine 的磁盘空间不足（剩余 {free}），构建已停止。",
        ),
        advice=Text(
            en="If this build does not fill the disk itself, try again after an operator has freed disk"
            " space.",
            zh="如果不是这次构建占满了磁盘，请等管理员释放磁盘空间后重试。",
        ),
        without=Text(
            en="The disk of the Docker Engine is nearly full, so the build was stopped.",
            zh="Docker Engine 的磁盘空间不足，构建已停止。",
        ),
    ),
    Reason.CLUSTER_UNAVAILABLE: Wording(
        Text(
            en="The Kubernetes cluster does not respond: {message}.",
            zh="Kubernetes 集群没有响应：{message}。",
        ),
        advice=_WAIT_FOR_AN_OPERATOR,
    ),
    Reason.OWNED_BY_ANOTHER_BOT: Wording(
        Text(
            en="{name} is there already and belongs to another bot with the same `instance`, or to this bot"
            " before it lost its database; then it is replaced after {until}.",
            zh="{name} 已经存在，它属于另一个 `instance` 相同的机器人，或属于丢失数据库之前的本机器人；"
            "如果是后者，{until} 之后会被替换。",
        ),
        advice=Text(
            en="Two bots need two names: an operator should set `instance` in `[docker]` or `[kubernetes]`.",
            zh="两个机器人需要不同的名称：请管理员设置 `[docker]` 或 `[kubernetes]` 中的 `instance`。",
        ),
    ),
    Reason.CLUSTER_REFUSED: Wording(
        Text(
            en="The Kubernetes cluster refused the bot's request: {message}. An operator should check"
            " the bot's permissions.",
            zh="Kubernetes 集群拒绝了机器人的请求：{message}。请管理员检查机器人的权限。",
        ),
    ),
    Reason.BUILDKIT_UNAVAILABLE: Wording(
        Text(
            en="The cluster's BuildKit does not respond: {message}.",
            zh="集群中的构建服务（BuildKit）没有响应：{message}。",
        ),
        advice=_WAIT_FOR_AN_OPERATOR,
    ),
    Reason.REGISTRY_UNAVAILABLE: Wording(
        Text(en="The image registry does not respond: {message}.", zh="镜像仓库没有响应：{message}。"),
        advice=TRY_LATER,
    ),
    Reason.REGISTRY_DENIED: Wording(
        Text(
            en="The image registry refused access to {repository}; an operator should check the bot's"
            " account and its permissions.",
            zh="镜像仓库拒绝访问 {repository}，请管理员检查机器人的账号和权限。",
        ),
    ),
    Reason.SCAN_UNAVAILABLE: Wording(
        Text(
            en="There is no vulnerability scan of {message}, and the operator requires one. An operator"
            " should check the registry's scanner.",
            zh="没有得到 {message} 的漏洞扫描结果，而管理员要求镜像通过扫描。请管理员检查镜像仓库的扫描器。",
        ),
    ),
    Reason.GIT_UNAVAILABLE: Wording(
        Text(en="The code cannot be fetched for now: {message}.", zh="暂时无法获取代码：{message}。"),
        advice=_LATER,
    ),
    Reason.GIT_DENIED: Wording(
        Text(
            en="The bot may not read {repository}; an operator should check the permissions of its account.",
            zh="机器人无权读取 {repository} 的代码，请管理员检查机器人账号的权限。",
        ),
    ),
    Reason.COMMIT_GONE: Wording(
        Text(
            en="Commit {sha} is no longer in the repository; a force push may have replaced it.",
            zh="提交 {sha} 已不在仓库里，可能被强制推送覆盖了。",
        ),
    ),
    Reason.STORE_UNAVAILABLE: Wording(
        Text(
            en="The bot's database does not respond: {message}. The bot continues once it does.",
            zh="机器人的数据库没有响应：{message}。恢复后会继续。",
        ),
    ),
    Reason.GITEE_UNAVAILABLE: Wording(
        Text(en="Gitee does not respond: {message}.", zh="Gitee 没有响应：{message}。"),
        advice=_LATER,
    ),
    Reason.GITEE_DENIED: Wording(
        Text(
            en="Gitee refused the bot's request: {message}. An operator should check the bot's"
            " token and its permissions.",
            zh="Gitee 拒绝了机器人的请求：{message}。请管理员检查机器人的令牌和权限。",
        ),
    ),
    Reason.REPOSITORY_INVISIBLE: Wording(
        Text(
            en="The bot cannot see the repository: {message}.",
            zh="机器人无权查看这个仓库：{message}。",
        ),
        advice=Text(
            en="Invite the bot's account to the repository as a developer.",
            zh="请把机器人账号加为仓库的开发者。",
        ),
    ),
    Reason.PULL_UNKNOWN: Wording(
        Text(en="Gitee finds no such pull request: {message}.", zh="Gitee 上没有这个 PR：{message}。"),
    ),
    Reason.NOT_SUPPORTED: Wording(
        Text(en="{what} is not enabled on this bot.", zh="这个机器人没有启用 {what}。"),
    ),
}
