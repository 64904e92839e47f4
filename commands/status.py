"""/status: say how the pull request stands."""

from bot.core.language.command import Command, NoArguments, PermissionLevel
from bot.model.outcome import Outcome, Reply, Snapshot
from bot.model.text import Text


def plan(_: NoArguments, now: Snapshot) -> Outcome:
    """Answer with what is known at this moment."""
    return Reply(now.status)


command = Command(
    name="status",
    aliases=("状态", "进度"),
    summary=Text(
        en="Show what is built, deployed, running and waiting for this pull request.",
        zh="查看此 PR 的镜像、环境，以及正在执行和排队中的运行。",
    ),
    permission=PermissionLevel.ANYONE,
    args=NoArguments,
    plan=plan,
    examples=("/status", "/状态"),
    order=70,
)
