"""/wake: scale a sleeping preview up again before it is visited."""

from dataclasses import dataclass

from bot.core.deciding import planning
from bot.core.language.arguments import environment
from bot.core.language.command import Command, PermissionLevel
from bot.model.environment import EnvironmentState
from bot.model.forge import PullState
from bot.model.observed import Effect
from bot.model.outcome import Outcome, Refuse, Wake
from bot.model.pipeline import Pipeline, RunnerName
from bot.model.reason import Reason
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text


@dataclass(frozen=True, slots=True)
class Args:
    """Which environment; none means all."""

    env: str | None = environment(
        Text(
            en="Environment to wake; by default all sleeping environments of this pull request.",
            zh="要唤醒的环境，省略时为此 PR 所有休眠中的环境。",
        )
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Wake the environments that are asleep."""
    if now.pull.state is not PullState.OPEN:
        return Refuse(Reason.PULL_CLOSED, {"command": "wake"})
    found = planning.existing_environments(now)
    if not found:
        return Refuse(Reason.NO_ENVIRONMENT)
    if unknown := planning.unknown_environment(args.env, found):
        return unknown
    asleep = [name for name, one in found.items() if one.state is EnvironmentState.ASLEEP]
    chosen = tuple(name for name in asleep if args.env in {None, name})
    return Wake(chosen) if chosen else Refuse(Reason.NOT_ASLEEP)


def _offered(pipeline: Pipeline) -> bool:
    return pipeline.deploy.enabled and pipeline.deploy.runner is RunnerName.KUBERNETES


command = Command(
    name="wake",
    aliases=("唤醒",),
    summary=Text(
        en="Wake this pull request's previews that are asleep for lack of visits; a visit wakes them too.",
        zh="唤醒此 PR 因无人访问而休眠的预览环境；直接访问也会唤醒。",
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=Args,
    plan=plan,
    needs=(Fact.ENVIRONMENTS,),
    examples=("/wake", "/wake staging", "/唤醒"),
    overtaken_by=frozenset({Effect.ENVIRONMENT}),
    order=46,
    environment=lambda args: args.env,
    offered=_offered,
)
