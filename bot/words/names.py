"""What people read for the model's identifiers: states, steps, triggers, severities, permission levels."""

from collections.abc import Mapping
from typing import Final

from bot.model.text import Text

STATES: Final[Mapping[str, Text]] = {
    "queued": Text(en="queued", zh="排队中"),
    "waiting": Text(en="waiting", zh="等待中"),
    "running": Text(en="running", zh="进行中"),
    "passed": Text(en="passed", zh="通过"),
    "failed": Text(en="failed", zh="失败"),
    "flaky": Text(en="flaky", zh="不稳定"),
    "broken": Text(en="interrupted", zh="中断"),
    "skipped": Text(en="skipped", zh="跳过"),
    "cancelled": Text(en="cancelled", zh="已取消"),
    "superseded": Text(en="superseded", zh="已被取代"),
    "starting": Text(en="starting", zh="启动中"),
    "ready": Text(en="ready", zh="就绪"),
    "failing": Text(en="failing", zh="异常"),
    "asleep": Text(en="asleep", zh="休眠中"),
    "waking": Text(en="waking", zh="唤醒中"),
    "removed": Text(en="removed", zh="已清理"),
}
"""Of runs, steps, environments and tests; a state that several of them have reads the same."""

STEPS: Final[Mapping[str, Text]] = {
    "build": Text(en="Build", zh="构建"),
    "deploy": Text(en="Deploy", zh="部署"),
    "test": Text(en="Test", zh="测试"),
    "teardown": Text(en="Teardown", zh="清理"),
}

TRIGGERS: Final[Mapping[str, Text]] = {
    "open": Text(en="PR opened", zh="PR 创建"),
    "update": Text(en="new commits", zh="推送新提交"),
    "close": Text(en="PR closed", zh="PR 关闭"),
    "merge": Text(en="PR merged", zh="PR 合并"),
    "reopen": Text(en="PR reopened", zh="PR 重新打开"),
    "comment": Text(en="comment", zh="评论"),
    "withdrawal": Text(en="approval revoked", zh="放行已撤销"),
    "expire": Text(en="environment expired", zh="环境到期"),
}

SEVERITIES: Final[Mapping[str, Text]] = {
    "critical": Text(en="critical", zh="严重"),
    "high": Text(en="high", zh="高危"),
    "medium": Text(en="medium", zh="中危"),
    "low": Text(en="low", zh="低危"),
    "negligible": Text(en="negligible", zh="可忽略"),
    "unknown": Text(en="unknown", zh="未知"),
}

OBSTACLES: Final[Mapping[str, Text]] = {
    "no_address": Text(en="its address is missing in `.gitmodules`", zh="`.gitmodules` 中缺少其地址"),
    "elsewhere": Text(
        en="the bot fetches submodules only from this Gitee, by a relative address or one without a password",
        zh="机器人只从本 Gitee 获取子模块，请使用相对地址或不含密码的地址",
    ),
    "not_served": Text(
        en="the operator does not allow the repository in `[repos]`",
        zh="管理员未在 `[repos]` 中允许该仓库",
    ),
    "not_public": Text(
        en="the repository is not public, and the bot uses its account only for trusted commits",
        zh="仓库不公开，而机器人只对受信任的提交使用自己的账号",
    ),
    "not_readable": Text(en="the bot's account cannot read the repository", zh="机器人的账号无法读取仓库"),
    "no_commit": Text(
        en="the repository does not have the recorded commit, which must be pushed there",
        zh="仓库中没有所记录的提交，请先推送到该仓库",
    ),
    "refused": Text(
        en="git refuses the content, or the repository has moved to another address",
        zh="git 拒绝其内容，或仓库已迁移到其他地址",
    ),
    "too_many": Text(
        en="there are too many submodules, or they are nested too deeply", zh="子模块过多或嵌套过深"
    ),
    "no_lfs": Text(
        en="Gitee does not serve this repository's files in Git LFS to the bot; check that LFS is enabled",
        zh="Gitee 没有向机器人提供该仓库 Git LFS 中的文件，请检查是否已启用 LFS",
    ),
    "no_content": Text(
        en="Gitee does not have its content; push it there with `git lfs push`, and remove another server"
        " from `.lfsconfig`",
        zh="Gitee 没有其内容，请用 `git lfs push` 推送到 Gitee，并从 `.lfsconfig` 中移除其他服务器",
    ),
    "content_elsewhere": Text(
        en="its content is at another host, and the bot fetches only from Gitee itself",
        zh="其内容在其他主机上，而机器人只从 Gitee 获取",
    ),
    "too_large": Text(
        en="the files in Git LFS are larger in all than the operator's `[limits] source_bytes`",
        zh="Git LFS 中的文件总大小超过管理员设置的 `[limits] source_bytes`",
    ),
    "too_many_files": Text(en="there are too many files in Git LFS", zh="Git LFS 中的文件过多"),
    "in_lfs": Text(
        en="its content in Git LFS is not fetched, as for submodules",
        zh="未获取其在 Git LFS 中的内容，例如子模块中的文件",
    ),
}
"""Why a submodule or a file in Git LFS is not in a build."""

PERMISSIONS: Final[Mapping[str, Text]] = {
    "anyone": Text(en="anyone", zh="所有人"),
    "contributor": Text(
        en="people with write access, and the author of a trusted PR",
        zh="有写权限的人，以及受信任 PR 的作者",
    ),
    "write": Text(en="people with write access", zh="有写权限的人"),
    "admin": Text(en="repository administrators", zh="仓库管理员"),
}
"""By the level that a command asks for."""

RIGHTS: Final[Mapping[str, Text]] = {
    **PERMISSIONS,
    "owners": Text(en="the approvers in `OWNERS`", zh="`OWNERS` 列出的审批人（approvers）"),
    "no_owners": Text(
        en="the approvers in `OWNERS` on the base branch, which names none that the bot can read",
        zh="目标分支上 `OWNERS` 列出的审批人（目前没有可识别的人）",
    ),
    "others": Text(en="others whom the operator names", zh="管理员指定的其他人"),
}
"""What else than a permission level can be enough for a command, besides the logins of people."""

SKIPS: Final[Mapping[str, Text]] = {
    "draft": Text(
        en="this PR is a draft; marking it as ready starts what was skipped",
        zh="这个 PR 是草稿，标记为就绪后会开始执行",
    ),
    "title": Text(en="the PR's title says `[skip ci]`", zh="PR 标题中有 `[skip ci]`"),
    "commit": Text(
        en="the message of the latest commit says `[skip ci]`", zh="最新提交的说明中有 `[skip ci]`"
    ),
    "paths": Text(
        en="the PR changes only files that `paths` in `.chatops.yml` leaves out",
        zh="这个 PR 只改动了 `.chatops.yml` 中 `paths` 排除的文件",
    ),
    "push": Text(
        en="since the last run, only files that `paths` in `.chatops.yml` leaves out have changed",
        zh="自最近一次运行的提交以来，只改动了 `.chatops.yml` 中 `paths` 排除的文件",
    ),
}
"""Why an event started nothing automatically, as a part of a sentence."""

NAMES: Final[Mapping[str, Mapping[str, Text]]] = {
    "state": STATES,
    "step": STEPS,
    "trigger": TRIGGERS,
    "severity": SEVERITIES,
    "level": PERMISSIONS,
    "skip": SKIPS,
}
"""All of them, by the name under which templates use them."""
