"""/reset: deploy an environment again with new data."""

from dataclasses import dataclass

from bot.core.deciding import planning
from bot.core.language.arguments import environment
from bot.core.language.command import Command, PermissionLevel
from bot.model.observed import Effect
from bot.model.outcome import Outcome, Refuse, StartRun
from bot.model.pipeline import Pipeline
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from bot.model.text import Text


@dataclass(frozen=True, slots=True)
class Args:
    """Which environment; none means the one that was deployed last."""

    env: str | None = environment(
        Text(
            en="Environment to reset; by default the one that was deployed last.",
            zh="要重置的环境，省略时为最近一次部署的环境。",
        )
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Deploy the latest commit without the data of earlier deployments."""
    if not now.pipeline.deploy.enabled:
        return Refuse(Reason.STEP_DISABLED, {"step": "deploy"})
    unknown = planning.unknown_environment(args.env, planning.environment_names(now.pipeline))
    return unknown or StartRun(planning.to_reset(now, args.env or planning.last_deployed(now)))


def _offered(pipeline: Pipeline) -> bool:
    return pipeline.deploy.enabled


command = Command(
    name="reset",
    aliases=("重置",),
    summary=Text(
        en="Deploy the latest commit again, and delete the data that the environment has kept.",
        zh="重新部署最新提交，并清空环境保留的数据。",
    ),
    permission=PermissionLevel.WRITE,
    args=Args,
    plan=plan,
    needs=planning.NEEDS,
    examples=("/reset", "/reset env=staging", "/重置"),
    overtaken_by=frozenset({Effect.ENVIRONMENT, Effect.STOP}),
    order=25,
    environment=lambda args: args.env,
    runs_code=True,
    offered=_offered,
)
