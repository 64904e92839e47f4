"""/cancel: stop the running and waiting runs of the pull request."""

from dataclasses import dataclass

from bot.core.language.arguments import arg
from bot.core.language.command import Command, PermissionLevel
from bot.model.forge import PullState
from bot.model.observed import Effect
from bot.model.outcome import Outcome, Refuse, StopRuns
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from bot.model.text import Text

MAX_DIGITS = 12


def run_number(text: str) -> int:
    """Read `42` or `#42`; raise ValueError for anything else."""
    digits = text.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise ValueError(text)
    return int(digits)


@dataclass(frozen=True, slots=True)
class Args:
    """Which run; none means all active ones."""

    run: int | None = arg(
        Text(
            en="Number of the run; by default all runs of this pull request.",
            zh="运行编号，省略时取消此 PR 的全部运行。",
        ),
        parse=run_number,
        default=None,
        expected="42",
        also=("运行",),
    )


def plan(args: Args, now: Snapshot) -> Outcome:
    """Stop one run of this pull request or all of them.

    Runs that remove something are stopped only by people who may start such runs, and not after the pull
    request has ended: then nothing else would remove its environments before they expire.
    """
    keeps = not now.writes or now.pull.state is not PullState.OPEN
    active = tuple(run.id for run in now.active if not (keeps and "teardown" in run.plan.names))
    if not active:
        return Refuse(Reason.NOTHING_TO_CANCEL)
    if args.run is None:
        return StopRuns(active)
    if args.run not in active:
        return Refuse(Reason.UNKNOWN_RUN, {"run": str(args.run)})
    return StopRuns((args.run,))


command = Command(
    name="cancel",
    aliases=("stop", "abort", "取消", "停止"),
    summary=Text(
        en="Stop the running and waiting runs of this pull request.", zh="停止此 PR 正在执行或排队中的运行。"
    ),
    permission=PermissionLevel.CONTRIBUTOR,
    args=Args,
    plan=plan,
    examples=("/cancel", "/cancel 42", "/取消"),
    overtaken_by=frozenset({Effect.RUN, Effect.STOP}),
    order=60,
)
