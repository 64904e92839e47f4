"""/teardown: remove the environments of the pull request."""

from dataclasses import dataclass

from bot.core.deciding import planning
from bot.core.language.arguments import environment
from bot.core.language.command import Command, PermissionLevel
from bot.model.forge import PullState
from bot.model.observed import Effect
from bot.model.outcome import Outcome, Refuse, StartRun
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from bot.model.text import Text


@dataclass(frozen=True, slots=True)
class Args:
    """Which environment; none means all."""

    env: str | None = environment(
        Text(
            en="Environment to tear down; by default all environments of this pull request.",
            zh="要清理的环境，省略时清理此 PR 的全部环境。",
        )
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Remove environments; for a closed pull request also its images."""
    over = now.pull.state is not PullState.OPEN
    removable = _removable(now)
    if not removable and not (over and (now.images or now.active)):
        return Refuse(Reason.NOTHING_TO_TEAR_DOWN)
    if unknown := planning.unknown_environment(args.env, removable):
        return unknown
    return StartRun(
        Plan((Teardown(args.env, everything=over and args.env is None, config=now.pipeline.teardown),))
    )


def _removable(now: Snapshot) -> tuple[str, ...]:
    """Return the environments that exist, and those that an active run may still create."""
    coming = any("deploy" in run.plan.names for run in now.active)
    named = planning.environment_names(now.pipeline) if coming else ()
    return tuple(dict.fromkeys((*now.environments, *named)))


command = Command(
    name="teardown",
    aliases=("undeploy", "destroy", "清理", "销毁", "回收", "下线"),
    summary=Text(
        en="Tear down this pull request's environments; images stay until it is closed.",
        zh="清理此 PR 的环境；镜像保留到 PR 关闭为止。",
    ),
    permission=PermissionLevel.WRITE,
    args=Args,
    plan=plan,
    needs=planning.NEEDS,
    examples=("/teardown", "/teardown preview", "/清理"),
    overtaken_by=frozenset({Effect.ENVIRONMENT}),
    order=50,
    environment=lambda args: args.env,
    automatic=True,
)
