"""/deploy: put the pull request's head into an environment of its own."""

from dataclasses import dataclass
from datetime import timedelta

from bot.core import duration
from bot.core.deciding import planning
from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.outcome import Outcome, Refuse, StartRun
from bot.model.pipeline import Pipeline
from bot.model.plan import DEFAULT_ENVIRONMENT
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from bot.model.text import Text

LONGEST = timedelta(days=30)


def lifetime(text: str) -> timedelta:
    """Read a duration of at most 30 days, as the configuration does; raise ValueError for anything else."""
    return duration.parse(text, maximum=LONGEST)


@dataclass(frozen=True, slots=True)
class Args:
    """Where to, and for how long."""

    env: str = arg(
        Text(
            en=f"Environment from the repository's configuration; `{DEFAULT_ENVIRONMENT}` if left out.",
            zh=f"仓库配置里的环境名，省略时为 `{DEFAULT_ENVIRONMENT}`。",
        ),
        parse=str,
        default=DEFAULT_ENVIRONMENT,
        also=("environment", "环境"),
    )
    ttl: timedelta | None = arg(
        Text(
            en="How long it lives, such as `8h` or `2d`; if left out, as configured.",
            zh="保留多久，例如 `8h`、`2d`、`3天`，省略时以仓库配置为准。",
        ),
        parse=lifetime,
        default=None,
        keyword=True,
        expected="30m, 8h, 2d (≤ 30d)",
        also=("有效期", "时长"),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Deploy the head of the pull request, building its image first if there is none."""
    if not now.pipeline.deploy.enabled:
        return Refuse(Reason.STEP_DISABLED, {"step": "deploy"})
    known = planning.environment_names(now.pipeline)
    if args.env not in known:
        return Refuse(Reason.UNKNOWN_ENVIRONMENT, {"name": args.env, "known": ", ".join(known)})
    return StartRun(planning.to_deploy(now, args.env, args.ttl))


def _offered(pipeline: Pipeline) -> bool:
    return pipeline.deploy.enabled


command = Command(
    name="deploy",
    aliases=("preview", "部署", "预览"),
    summary=Text(
        en="Deploy the latest commit into an environment of this pull request's own and answer with its URL.",
        zh="把最新提交部署到此 PR 专属的环境，并给出访问地址。",
    ),
    permission=PermissionLevel.WRITE,
    args=Args,
    plan=plan,
    needs=planning.NEEDS,
    examples=("/deploy", "/deploy ttl=8h", "/部署 有效期=3天"),
    order=20,
    runs_code=True,
    automatic=True,
    offered=_offered,
)
