"""/test: run the tests against the preview of the pull request."""

from dataclasses import dataclass

from bot.core.deciding import planning
from bot.core.language.arguments import environment, many
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
    env: str | None = environment(
        Text(
            en="Environment to test; by default the one that was deployed last.",
            zh="要测试的环境，省略时为最近部署的环境。",
        ),
        keyword=True,
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Test the latest commit, after building and deploying it if needed."""
    suites = planning.chosen_suites(now.pipeline, args.suites)
    if isinstance(suites, Refuse):
        return suites
    unknown = planning.unknown_environment(args.env, planning.environment_names(now.pipeline))
    return unknown or StartRun(planning.to_test(now, suites, args.env or planning.last_deployed(now)))


command = Command(
    name="test",
    aliases=("tests", "测试"),
    summary=Text(
        en="Run the tests against an environment of this pull request; build and deploy first if needed.",
        zh="对此 PR 的环境运行测试；需要时先构建、部署。",
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=Args,
    plan=plan,
    needs=planning.NEEDS,
    examples=("/test", "/test env=staging", "/测试"),
    overtaken_by=frozenset({Effect.TESTS, Effect.STOP}),
    order=30,
    environment=lambda args: args.env,
    runs_code=True,
    automatic=True,
)
