"""/deploy: deploy the latest commit to an environment of the pull request."""

from dataclasses import dataclass
from datetime import timedelta

from bot.core import duration
from bot.core.deciding import planning
from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.observed import Effect
from bot.model.outcome import Outcome, Refuse, StartRun
from bot.model.pipeline import Pipeline
from bot.model.plan import DEFAULT_ENVIRONMENT
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from bot.model.text import Text

LONGEST = timedelta(days=30)


def lifetime(text: str) -> timedelta:
    """Parse a duration of at most 30 days, in the format of the configuration; raise ValueError otherwise."""
    return duration.parse(text, maximum=LONGEST)


@dataclass(frozen=True, slots=True)
class Args:
    """Which environment, and its lifetime."""

    env: str = arg(
        Text(
            en=f"Environment from the repository's configuration; by default `{DEFAULT_ENVIRONMENT}`.",
            zh=f"仓库配置里的环境名，省略时为 `{DEFAULT_ENVIRONMENT}`。",
        ),
        parse=str,
        default=DEFAULT_ENVIRONMENT,
        also=("environment", "环境"),
    )
    ttl: timedelta | None = arg(
        Text(
            en="Lifetime, such as `8h` or `2d`; by default as configured.",
            zh="保留多久，例如 `8h`、`2d`、`3天`，省略时以仓库配置为准。",
        ),
        parse=lifetime,
        default=None,
        keyword=True,
        expected="30m, 8h, 2d (≤ 30d)",
        also=("有效期", "时长"),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Deploy the latest commit, after a build if it has no image."""
    if not now.pipeline.deploy.enabled:
        return Refuse(Reason.STEP_DISABLED, {"step": "deploy"})
    unknown = planning.unknown_environment(args.env, planning.environment_names(now.pipeline))
    return unknown or StartRun(planning.to_deploy(now, args.env, args.ttl))


def _offered(pipeline: Pipeline) -> bool:
    return pipeline.deploy.enabled


command = Command(
    name="deploy",
    aliases=("preview", "部署", "预览"),
    summary=Text(
        en="Deploy the latest commit to an environment of this pull request, and reply with its URL.",
        zh="把最新提交部署到此 PR 专属的环境，并回复访问地址。",
    ),
    permission=PermissionLevel.WRITE,
    args=Args,
    plan=plan,
    needs=planning.NEEDS,
    examples=("/deploy", "/deploy ttl=8h", "/部署 有效期=3天"),
    overtaken_by=frozenset({Effect.ENVIRONMENT, Effect.STOP}),
    order=20,
    environment=lambda args: args.env,
    runs_code=True,
    automatic=True,
    offered=_offered,
)
