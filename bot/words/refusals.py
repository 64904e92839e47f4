"""Why a command was refused: nothing ran."""

from collections.abc import Mapping
from typing import Final

from bot.model.reason import Reason
from bot.model.text import Text
from bot.words.sentence import Wording

_APPROVE = Wording(
    Text(
        en="Only {level} can approve it, here for example {helpers}: review the changes and comment"
        " {approve}.",
        zh="仅限{level}放行，例如本仓库的 {helpers}：审查改动后，评论 {approve}。",
    ),
    without=Wording(
        Text(
            en="Only {level} can approve it: review the changes and comment {approve}.",
            zh="仅限{level}放行：审查改动后，评论 {approve}。",
        ),
        without=Text(
            en="Someone with write access can review the changes and comment {approve}.",
            zh="请有写权限的人审查改动后，评论 {approve} 放行。",
        ),
    ),
)
_APPROVE_ALL = Text(
    en="Review all changes up to that commit, then comment {approve}.",
    zh="请审查到该提交为止的全部改动，然后评论 {approve}。",
)

_SAY_AGAIN = Text(en="If it still applies, comment it again.", zh="如果仍然需要，请重新评论一次。")

REFUSALS: Final[Mapping[Reason, Wording]] = {
    Reason.NOT_ALLOWED: Wording(
        Text(
            en="{who} may not run this command on {environment}; it is for {level}.",
            zh="{who} 没有权限对 {environment} 执行这个命令，仅限{level}使用。",
        ),
        advice=Text(
            en="People here who may use it: {helpers}.",
            zh="本仓库中可以使用的人：{helpers}。",
        ),
        without=Text(
            en="{who} may not run this command; it is for {level}.",
            zh="{who} 没有权限，这个命令仅限{level}使用。",
        ),
    ),
    Reason.NOT_TRUSTED: Wording(
        Text(
            en="Commit {sha} is not trusted yet: its author {author} has no write access.",
            zh="提交 {sha} 尚未受信任，因为作者 {author} 没有写权限。",
        ),
        advice=_APPROVE,
    ),
    Reason.FORK_NOT_OWN: Wording(
        Text(
            en="Commit {sha} is not trusted yet: the fork {fork} is not in the namespace of {author},"
            " so other people may push to it.",
            zh="提交 {sha} 尚未受信任，因为 Fork 仓库 {fork} 不在 {author} 的个人空间中，"
            "其他人也可能有推送权限。",
        ),
        advice=_APPROVE,
    ),
    Reason.FORK_SHARED: Wording(
        Text(
            en="Commit {sha} is not trusted yet: {who} may push to the fork {fork}, but not to this"
            " repository.",
            zh="提交 {sha} 尚未受信任，因为 {who} 可以推送到 Fork 仓库 {fork}，但没有本仓库的写权限。",
        ),
        advice=_APPROVE,
    ),
    Reason.FORK_UNREADABLE: Wording(
        Text(
            en="Commit {sha} is not trusted yet: the bot cannot see who may push to the fork {fork}."
            " If the bot's account becomes a member of the fork, later commits need no approval.",
            zh="提交 {sha} 尚未受信任，因为机器人看不到谁可以推送到 Fork 仓库 {fork}。"
            "把机器人账号加为该 Fork 仓库的成员后，之后的提交无需放行。",
        ),
        advice=_APPROVE,
    ),
    Reason.FORK_DELETED: Wording(
        Text(
            en="Commit {sha} is not trusted yet: its fork was deleted, so the bot cannot see who could push"
            " to it.",
            zh="提交 {sha} 尚未受信任，因为 Fork 仓库已删除，无法确认谁曾有推送权限。",
        ),
        advice=_APPROVE,
    ),
    Reason.PULL_CLOSED: Wording(
        Text(
            en="The PR is closed or merged, so nothing runs here any more.", zh="PR 已关闭或合并，不再运行。"
        ),
    ),
    Reason.HEAD_MOVED: Wording(
        Text(
            en="The branch moved on from commit {seen} to {now}, so nothing was run for the older one.",
            zh="分支已从提交 {seen} 更新到 {now}，因此没有运行旧的提交。",
        ),
        advice=Text(en="Review the new commit, then comment again.", zh="请查看新的提交后重新评论。"),
    ),
    Reason.COMMIT_NAMED_WRONG: Wording(
        Text(
            en="{named} is not the latest commit of the branch, which is {now}.",
            zh="指定的提交 {named} 不是分支的最新提交 {now}。",
        ),
        advice=_APPROVE_ALL,
    ),
    Reason.COMMIT_ABBREVIATED: Wording(
        Text(
            en="{named} is not a complete commit id; other commits can begin with the same digits.",
            zh="{named} 不是完整的提交号，其他提交可能以相同的数字开头。",
        ),
        advice=_APPROVE_ALL,
    ),
    Reason.COMMIT_NOT_NAMED: Wording(
        Text(
            en="The command does not name a commit, and the branch may have changed since you reviewed it.",
            zh="命令没有写明提交，分支在你审查之后可能已经更新。",
        ),
        advice=_APPROVE_ALL,
    ),
    Reason.ALREADY_TRUSTED: Wording(
        Text(
            en="This commit by {author} is already trusted; there is nothing to approve.",
            zh="{author} 的这个提交已受信任，无需放行。",
        ),
    ),
    Reason.NOTHING_APPROVED: Wording(
        Text(
            en="No commit of this PR is approved; there is nothing to revoke.",
            zh="这个 PR 没有已放行的提交，无需撤销。",
        ),
    ),
    Reason.UNKNOWN_ENVIRONMENT: Wording(
        Text(
            en="There is no environment {name}. Known environments: {known}.",
            zh="没有名为 {name} 的环境。可用的环境：{known}。",
        ),
        without=Text(en="There is no environment {name}.", zh="没有名为 {name} 的环境。"),
    ),
    Reason.UNKNOWN_SUITE: Wording(
        Text(
            en="There is no test suite {name}. Known test suites: {known}.",
            zh="没有名为 {name} 的测试套件。可用的测试套件：{known}。",
        ),
        without=Text(en="There is no test suite {name}.", zh="没有名为 {name} 的测试套件。"),
    ),
    Reason.UNKNOWN_RUN: Wording(
        Text(en="This PR has no run {run}.", zh="这个 PR 没有编号为 {run} 的运行。"),
    ),
    Reason.UNKNOWN_COMMAND: Wording(
        Text(
            en="There is no command {name}. Did you mean {suggestion}?",
            zh="没有 {name} 这个命令。是不是想用 {suggestion}？",
        ),
        advice=Text(en="`/help` lists all commands.", zh="全部命令见 `/help`。"),
        without=Text(en="There is no command {name}.", zh="没有 {name} 这个命令。"),
    ),
    Reason.NOTHING_TO_CANCEL: Wording(
        Text(en="This PR has no run that can be cancelled.", zh="这个 PR 没有可以取消的运行。"),
    ),
    Reason.NOTHING_TO_TEAR_DOWN: Wording(
        Text(en="This PR has no environment to tear down.", zh="这个 PR 没有需要清理的环境。"),
    ),
    Reason.NO_LOG: Wording(
        Text(
            en="There is no log of {name}. Steps and services with a log: {known}.",
            zh="没有 {name} 的日志。有日志的步骤和服务：{known}。",
        ),
        without=Text(en="Nothing of this PR has a log yet.", zh="这个 PR 还没有任何日志。"),
    ),
    Reason.NOTHING_FAILED: Wording(
        Text(en="No test failed in the last run.", zh="上一次运行没有失败的测试。"),
        advice=Text(
            en="To run all tests again, comment `/retest`.", zh="要重新运行全部测试，请评论 `/retest`。"
        ),
    ),
    Reason.LIVES_LONGEST: Wording(
        Text(
            en="The environment already lives as long as the operator allows, which is {longest} from now.",
            zh="保留时间已达到管理员设定的上限，即从现在起 {longest}。",
        ),
        advice=Text(
            en="Extend it later; a new deploy also resets the timer.",
            zh="可以稍后再延长；重新部署也会重新计时。",
        ),
    ),
    Reason.NOT_ASLEEP: Wording(
        Text(en="No environment of this PR is asleep.", zh="这个 PR 没有休眠中的环境。"),
        advice=Text(
            en="`/status` shows the environments and their addresses.",
            zh="评论 `/status` 可以查看环境及其地址。",
        ),
    ),
    Reason.STEP_DISABLED: Wording(
        Text(
            en="“{step}” is turned off in this repository's configuration.",
            zh="这个仓库的配置关闭了“{step}”。",
        ),
    ),
    Reason.ARGUMENT_MISSING: Wording(
        Text(
            en="The argument {argument} is missing. Usage: {usage}.",
            zh="缺少参数 {argument}。用法：{usage}。",
        ),
    ),
    Reason.ARGUMENT_UNKNOWN: Wording(
        Text(
            en="Unknown argument {argument}; did you mean {suggestion}? Usage: {usage}.",
            zh="未知参数 {argument}，是不是想写 {suggestion}？用法：{usage}。",
        ),
        without=Text(
            en="Unknown argument {argument}. Usage: {usage}.", zh="未知参数 {argument}。用法：{usage}。"
        ),
    ),
    Reason.ARGUMENT_REPEATED: Wording(
        Text(
            en="The argument {argument} is given more than once. Usage: {usage}.",
            zh="参数 {argument} 重复。用法：{usage}。",
        ),
    ),
    Reason.ARGUMENT_INVALID: Wording(
        Text(
            en="{value} is not a valid {argument}; expected: {expected}. Usage: {usage}.",
            zh="{value} 不是有效的 {argument}，应为：{expected}。用法：{usage}。",
        ),
    ),
    Reason.FOUND_LATE: Wording(
        Text(
            en="No webhook reported it, so the bot found it only {seconds} later.",
            zh="没有收到它的 Webhook，机器人过了 {seconds}才发现。",
        ),
        advice=_SAY_AGAIN,
    ),
    Reason.FOUND_AFTER_PUSH: Wording(
        Text(
            en="No webhook reported it, so the bot found it only now, and cannot tell whether it was meant"
            " for commit {now}.",
            zh="没有收到它的 Webhook，机器人现在才发现，无法确定它是否针对提交 {now}。",
        ),
        advice=_SAY_AGAIN,
    ),
    Reason.QUOTE_UNCLOSED: Wording(
        Text(en="Unclosed quotation mark: {text}.", zh="引号未闭合：{text}。"),
    ),
    Reason.CONFIG_INVALID: Wording(
        Text(
            en="{file} on the base branch has errors; nothing runs until they are fixed.",
            zh="目标分支上的 {file} 有错误，修正之前不会运行。",
        ),
    ),
}
