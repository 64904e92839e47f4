"""/extend: let the environments of the pull request expire later."""

from dataclasses import dataclass
from datetime import timedelta

from bot.core import duration
from bot.core.deciding import planning
from bot.core.environments import expiry
from bot.core.language.arguments import arg, environment
from bot.core.language.command import Command, PermissionLevel
from bot.model.forge import PullState
from bot.model.observed import Effect
from bot.model.outcome import Extend, Outcome, Refuse
from bot.model.pipeline import Pipeline
from bot.model.reason import Reason
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text

LONGEST = timedelta(days=30)


def span(text: str) -> timedelta:
    """Parse a duration of at most 30 days; raise ValueError otherwise."""
    return duration.parse(text, maximum=LONGEST)


@dataclass(frozen=True, slots=True)
class Args:
    """How much longer, and which environment; none means all."""

    time: timedelta = arg(
        Text(
            en="How much to add to the remaining lifetime, such as `8h` or `2d`; by default a day.",
            zh="在原到期时间上再延长多久，例如 `8h`、`2d`、`3天`，省略时为一天。",
        ),
        parse=span,
        default=timedelta(days=1),
        expected="8h, 2d (≤ 30d)",
        also=("ttl", "时长"),
    )
    env: str | None = environment(
        Text(
            en="Environment to extend; by default all environments of this pull request.",
            zh="要延长的环境，省略时为此 PR 的全部环境。",
        )
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Add to the remaining lifetime, up to the operator's limit; nothing expires sooner than before."""
    if now.pull.state is not PullState.OPEN:
        return Refuse(Reason.PULL_CLOSED, {"command": "extend"})
    found = planning.existing_environments(now)
    if not found:
        return Refuse(Reason.NO_ENVIRONMENT)
    if unknown := planning.unknown_environment(args.env, found):
        return unknown
    chosen = [one for name, one in found.items() if args.env in {None, name}]
    longer = [expiry.extension(one, args.time, now.now, now.settings.max_lifetime) for one in chosen]
    extensions = tuple(one for one in longer if one is not None)
    if not extensions:
        return Refuse(Reason.LIVES_LONGEST, {"longest": duration.compact(now.settings.max_lifetime)})
    return Extend(extensions)


def _offered(pipeline: Pipeline) -> bool:
    return pipeline.deploy.enabled


command = Command(
    name="extend",
    aliases=("renew", "延长", "续期"),
    summary=Text(
        en="Extend the lifetime of this pull request's environments, up to the operator's limit.",
        zh="在原到期时间上延长此 PR 的环境，不超过管理员设定的上限。",
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=Args,
    plan=plan,
    needs=(Fact.ENVIRONMENTS,),
    examples=("/extend 2d", "/extend 8h staging", "/延长 3天"),
    overtaken_by=frozenset({Effect.ENVIRONMENT}),
    order=45,
    environment=lambda args: args.env,
    offered=_offered,
)
