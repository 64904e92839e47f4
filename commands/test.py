"""/test: run the tests against the preview of the pull request."""

from dataclasses import dataclass

from bot.core.deciding import planning
from bot.core.language.arguments import many
from bot.core.language.command import Command, PermissionLevel
from bot.model.observed import Effect
from bot.model.outcome import Outcome, Refuse, StartRun
from bot.model.snapshot import Snapshot
from bot.model.text import Text


@dataclass(frozen=True, slots=True)
class Args:
    """Which suites; none means all."""

    suites: tuple[str, ...] = many(
        Text(
            en="Suites from the repository's configuration; by default all.",
            zh="仓库配置里的测试套件名，可写多个；省略时全部运行。",
        ),
        parse=str,
        name="suite",
        also=("套件",),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Test the latest commit, after building and deploying it if needed."""
    suites = planning.chosen_suites(now.pipeline, args.suites)
    if isinstance(suites, Refuse):
        return suites
    return StartRun(planning.to_test(now, suites))


command = Command(
    name="test",
    aliases=("tests", "测试"),
    summary=Text(
        en="Run the tests against this pull request's preview; build and deploy first if needed.",
        zh="对此 PR 的预览环境运行测试；需要时先构建、部署。",
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=Args,
    plan=plan,
    needs=planning.NEEDS,
    examples=("/test", "/测试"),
    overtaken_by=frozenset({Effect.TESTS, Effect.STOP}),
    order=30,
    runs_code=True,
    automatic=True,
)
