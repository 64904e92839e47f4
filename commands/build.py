"""/build: build the image of the latest commit and push it."""

from bot.core.deciding import planning
from bot.core.language.command import Command, NoArguments, PermissionLevel
from bot.model.observed import Effect
from bot.model.outcome import Outcome, StartRun
from bot.model.snapshot import Snapshot
from bot.model.text import Text


def plan(_: NoArguments, now: Snapshot) -> Outcome:
    """Build the latest commit, even if it has an image: the command asks for a new one."""
    return StartRun(planning.to_build(now))


command = Command(
    name="build",
    aliases=("构建", "编译"),
    summary=Text(
        en="Build the image from this pull request's latest commit and push it to the registry.",
        zh="用此 PR 的最新提交构建镜像，并推送到镜像仓库。",
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=NoArguments,
    plan=plan,
    needs=planning.NEEDS,
    examples=("/build", "/构建"),
    overtaken_by=frozenset({Effect.IMAGE, Effect.STOP}),
    order=10,
    runs_code=True,
    automatic=True,
)
