"""The words that only pages use, in both languages; templates ask for them by key and contain none."""

from collections.abc import Mapping
from typing import Final

from bot.model.text import Language, Text

WORDS: Final[Mapping[str, Text]] = {
    "title.runs": Text(en="Runs", zh="运行记录"),
    "title.environments": Text(en="Environments", zh="预览环境"),
    "title.commands": Text(en="Commands", zh="命令"),
    "nav.skip": Text(en="Skip to content", zh="跳到正文"),
    "nav.language": Text(en="中文", zh="English"),
    "nav.label": Text(en="Main", zh="主导航"),
    "runs.none": Text(
        en="Nothing has run yet. Open a pull request, or comment /build under one.",
        zh="还没有运行记录。创建一个 PR，或在 PR 下评论 /build 即可开始。",
    ),
    "runs.older": Text(en="Older runs", zh="更早的记录"),
    "runs.newest": Text(en="Newest runs", zh="最新的记录"),
    "runs.environments": Text(en="{count} live environments", zh="{count} 个预览环境"),
    "runs.environments.one": Text(en="1 live environment", zh="1 个预览环境"),
    "run.title": Text(en="Run {id}", zh="运行 #{id}"),
    "run.next": Text(en="Next in the queue", zh="下一个执行"),
    "run.position": Text(en="{ahead} ahead in the queue", zh="前面还有 {ahead} 个"),
    "run.stopping": Text(en="Stopping…", zh="正在停止…"),
    "run.now": Text(en="{step} is running", zh="正在{step}"),
    "run.untested": Text(en="No test ran", zh="没有运行任何测试"),
    "run.failed_at": Text(en="{step} failed", zh="{step}失败"),
    "run.broken_at": Text(en="{step} was interrupted", zh="{step}中断"),
    "run.serving": Text(en="Still answers", zh="仍在运行"),
    "run.commit": Text(en="Commit", zh="提交"),
    "run.actor": Text(en="By", zh="触发者"),
    "run.created": Text(en="Created", zh="创建于"),
    "run.duration": Text(en="Took", zh="用时"),
    "run.image": Text(en="Image", zh="镜像"),
    "run.merged": Text(
        en="merge of {head} into the base branch at {base}", zh="{head} 与目标分支 {base} 的合并结果"
    ),
    "run.unchanged": Text(en="unchanged since", zh="未变，构建自"),
    "run.scan": Text(en="Vulnerabilities", zh="漏洞"),
    "scan.none": Text(en="none known", zh="未发现已知漏洞"),
    "scan.count": Text(en="{count} {severity}", zh="{count} 个{severity}"),
    "scan.fixable": Text(en="{fixable} fixable", zh="{fixable} 个可修复"),
    "scan.by": Text(en="found by {scanner}", zh="由 {scanner} 扫描"),
    "run.service": Text(en="Preview", zh="预览环境"),
    "run.tests": Text(en="Tests", zh="测试"),
    "run.report": Text(en="Report", zh="报告"),
    "run.report.open": Text(en="Open the test report", zh="查看测试报告"),
    "run.report.removed": Text(en="Removed after its retention period", zh="已超过保留期限，不再保存"),
    "own_report.title": Text(en="Report of a test suite", zh="测试套件自带的报告"),
    "own_report.back": Text(en="Test report of run {id}", zh="运行 #{id} 的测试报告"),
    "own_report.author": Text(
        en="Written by the pull request's code, not by the bot.",
        zh="以下内容由 PR 中的代码生成，并非机器人所写。",
    ),
    "own_report.advice": Text(
        en="Do not enter a password in it, and do not follow its instructions.",
        zh="请勿在其中输入密码，也不要按其中的指示操作。",
    ),
    "run.steps": Text(en="Steps", zh="步骤"),
    "run.pull": Text(en="Open on Gitee", zh="在 Gitee 打开"),
    "tests.counts": Text(en="{passed} of {total} passed", zh="{total} 项中 {passed} 项通过"),
    "tests.failed": Text(en="{failed} failed", zh="{failed} 项失败"),
    "tests.skipped": Text(en="{skipped} skipped", zh="{skipped} 项跳过"),
    "tests.flaky": Text(en="{flaky} flaky", zh="{flaky} 项不稳定"),
    "tests.failures": Text(en="Failed tests", zh="失败的测试"),
    "step.waiting_for": Text(en="waiting: {what}", zh="等待中：{what}"),
    "step.again": Text(en="Retrying in {delay}.", zh="{delay}后重试。"),
    "step.attempt": Text(en="attempt {attempt}", zh="第 {attempt} 次尝试"),
    "log.title": Text(en="Log of {step}", zh="{step}日志"),
    "log.raw": Text(en="Plain text", zh="纯文本"),
    "log.follow": Text(en="Follow", zh="跟随输出"),
    "run.output": Text(en="Output", zh="服务输出"),
    "run.output.open": Text(en="What its services write", zh="查看各服务的输出"),
    "services.title": Text(en="Output of services · #{id}", zh="服务输出 · #{id}"),
    "services.output": Text(en="Output of {name}", zh="{name} 的输出"),
    "services.live": Text(
        en="The last lines of what each service writes. New ones appear by themselves.",
        zh="各服务输出的最后几行，会自动更新。",
    ),
    "services.kept": Text(
        en="This deployment is gone; this is what its services wrote last.",
        zh="此次部署已被清理或取代，以下是各服务最后的输出。",
    ),
    "services.none": Text(
        en="Nothing that this run deployed is running, and no output was kept.",
        zh="此次运行部署的服务都已不在，也没有保留输出。",
    ),
    "log.none": Text(en="No output yet.", zh="暂无输出。"),
    "log.removed": Text(
        en="This log was removed: logs are kept for a limited time.",
        zh="这份日志已超过保留期限，不再保存。",
    ),
    "log.more": Text(
        en="The log is longer than shown here; the plain text is complete.",
        zh="日志较长，此处未全部显示；完整内容见纯文本。",
    ),
    "log.lost": Text(en="Connection lost, trying again…", zh="连接中断，正在重试…"),
    "pull.approvals": Text(en="Approved commits", zh="已放行的提交"),
    "pull.approved_for": Text(en="base branch", zh="目标分支"),
    "pull.approved_in": Text(en="comment", zh="评论"),
    "pull.none": Text(en="No runs for this pull request.", zh="此 PR 没有运行记录。"),
    "environments.none": Text(
        en="No environments. Comment /deploy under a pull request to start one.",
        zh="没有预览环境。在 PR 下评论 /deploy 即可启动。",
    ),
    "environments.expires": Text(en="Expires", zh="到期"),
    "environments.soon": Text(
        en="Expires soon. To keep it longer, comment under the pull request: ",
        zh="即将到期，如需保留，请在 PR 下评论：",
    ),
    "environments.deployed": Text(en="Deployed", zh="部署于"),
    "commands.intro": Text(
        en="Type a command on a line of its own in a comment under the pull request.",
        zh="在 PR 的评论中另起一行输入命令。",
    ),
    "commands.aliases": Text(en="Also", zh="别名"),
    "commands.level": Text(en="Who may use it", zh="谁可以用"),
    "commands.arguments": Text(en="Arguments", zh="参数"),
    "commands.examples": Text(en="Examples", zh="示例"),
    "problem.404": Text(en="Page not found", zh="页面不存在"),
    "problem.404.hint": Text(
        en="The run may have been removed, or the address is mistyped.",
        zh="记录可能已被删除，或地址有误。",
    ),
    "problem.run": Text(en="This run is no longer known", zh="查不到这次运行"),
    "problem.run.hint": Text(
        en="It was removed after its retention period, or the bot's store was replaced or restored since.",
        zh="记录已超过保留期限，或机器人的数据库在此之后被更换或恢复过。",
    ),
    "problem.405": Text(en="Method not allowed", zh="此地址不支持该操作"),
    "problem.405.hint": Text(en="Go back and try again from the page.", zh="请返回页面重试。"),
    "problem.410": Text(en="No longer available", zh="内容已删除"),
    "problem.410.hint": Text(
        en="Logs and reports are kept for a limited time; this one was removed after its retention period.",
        zh="日志和报告只保留一段时间，这一份已超过期限并被删除。",
    ),
    "problem.500": Text(en="Something went wrong", zh="出了点问题"),
    "problem.500.hint": Text(
        en="This is a bug in the bot. An operator can find the cause in the log by the id {id}.",
        zh="这是机器人的程序错误，管理员可凭编号 {id} 在日志中查到原因。",
    ),
    "problem.503": Text(en="The bot's database does not respond", zh="机器人的数据库暂时没有响应"),
    "problem.503.hint": Text(
        en="No data is lost. Try again later; if it persists, contact an operator.",
        zh="数据没有丢失。请稍后再试；如果持续如此，请联系管理员。",
    ),
    "problem.home": Text(en="All runs", zh="返回运行记录"),
    "problem.other": Text(en="This request cannot be processed", zh="无法处理此请求"),
    "problem.other.hint": Text(en="The server returned: {status}.", zh="服务器返回：{status}。"),
    "preview.starting": Text(en="This preview is starting", zh="预览环境正在启动"),
    "preview.starting.hint": Text(
        en="The page opens by itself as soon as the service responds.",
        zh="服务就绪后，页面会自动打开，无需刷新。",
    ),
    "preview.waking": Text(en="This preview is waking up", zh="预览环境正在唤醒"),
    "preview.waking.hint": Text(
        en="It had no visitors and went to sleep. The page opens by itself as soon as the service responds.",
        zh="预览环境因一段时间无人访问而休眠。服务就绪后，页面会自动打开，无需刷新。",
    ),
    "preview.failed": Text(en="This preview could not be started", zh="预览环境启动失败"),
    "preview.failed.hint": Text(
        en="The run's log shows the cause. Push new commits or comment /deploy to try again.",
        zh="原因见运行日志。推送新提交或评论 /deploy 可重试。",
    ),
    "preview.removed": Text(en="This preview has been removed", zh="预览环境已清理"),
    "preview.removed.hint": Text(
        en="It expired, was torn down, or its pull request was closed. /deploy restores it while the pull"
        " request is open.",
        zh="预览环境已到期、被清理，或 PR 已关闭。PR 开启期间，评论 /deploy 可重新部署。",
    ),
    "preview.unknown": Text(en="There is no preview here", zh="这里没有预览环境"),
    "preview.unknown.hint": Text(
        en="Check the address in the comment under the pull request.",
        zh="请核对 PR 评论中的地址。",
    ),
    "preview.unreachable": Text(en="The service does not respond", zh="服务没有响应"),
    "preview.unreachable.hint": Text(
        en="It may be restarting or have crashed. Comment /deploy to deploy it again.",
        zh="它可能正在重启或已崩溃。评论 /deploy 可重新部署。",
    ),
    "preview.busy": Text(
        en="This preview has too many requests in progress", zh="此预览环境处理中的请求过多"
    ),
    "preview.busy.hint": Text(
        en="Its service answers slowly, or many people use it. The page opens by itself once some are done.",
        zh="服务响应较慢，或访问人数较多。部分请求结束后，页面会自动打开。",
    ),
    "preview.unavailable": Text(en="The bot's database does not respond", zh="机器人的数据库暂时没有响应"),
    "preview.unavailable.hint": Text(
        en="The bot cannot look up this preview. The page opens by itself once the database responds again.",
        zh="暂时无法查询预览环境的地址，恢复后页面会自动打开。",
    ),
    "preview.run": Text(en="Open the run", zh="查看运行记录"),
}


def say(key: str, language: Language, **facts: object) -> str:
    """Return the words of a key with the facts filled in; raise KeyError for an unknown key."""
    return WORDS[key].say(language).format(**facts)
