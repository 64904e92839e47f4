"""What runs by itself when a pull request is opened, updated, closed or merged."""

from collections.abc import Iterable, Sequence

from bot.core import paths
from bot.core.deciding import planning
from bot.core.language import parsing
from bot.core.language.command import AnyCommand
from bot.core.language.commandline import normalise
from bot.core.language.parsing import Invocation
from bot.model.delivery import Trigger
from bot.model.outcome import Ignore, Outcome, Reply, StartRun
from bot.model.pipeline import Automatic
from bot.model.plan import Plan
from bot.model.snapshot import Snapshot
from bot.model.views import ApprovalNeeded

STARTING = frozenset({Trigger.OPEN, Trigger.REOPEN, Trigger.UPDATE})
ENDING = frozenset({Trigger.CLOSE, Trigger.MERGE})


def plan_for(
    trigger: Trigger, snapshot: Snapshot, files: Sequence[str] | None, commands: Iterable[AnyCommand]
) -> Outcome:
    """Return what this event starts by itself.

    `files` are the changed ones, for the path filters; None skips the filters. Drafts are treated like
    others: a preview is most useful while the work is under way.
    """
    wanted = configured(snapshot.pipeline.on, trigger)
    usable = [command for command in commands if command.automatic]
    if not wanted:
        return Ignore(f"nothing is configured to run on {trigger}")
    if _under_way(trigger, snapshot):
        return Ignore("the like is under way")
    if trigger in ENDING:
        # Code of a pull request that is over is not run any more.
        return _planned(wanted, snapshot, (command for command in usable if not command.runs_code))
    if files is not None and not paths.matches(snapshot.pipeline.paths, files):
        return Ignore("no changed file counts")
    if not snapshot.trusted:
        return Reply(ApprovalNeeded(snapshot.pull.author, snapshot.sha))
    return _planned(wanted, snapshot, usable)


def configured(on: Automatic, trigger: Trigger) -> tuple[str, ...]:
    """Return the command lines that the configuration gives to an event, without slashes."""
    if trigger in ENDING:
        return on.close
    if trigger in STARTING:
        return on.update if trigger is Trigger.UPDATE else on.open
    return ()


def _planned(wanted: Iterable[str], snapshot: Snapshot, commands: Iterable[AnyCommand]) -> Outcome:
    """Join what the configured commands decide; what one of them refuses is left out, since nobody asked."""
    known = parsing.by_name(commands)
    plans: list[Plan] = []
    for line in wanted:
        invocation = parsing.parse_line(f"/{normalise(line).removeprefix('/')}", known)
        if not isinstance(invocation, Invocation):
            continue
        foreseen = planning.after(snapshot, planning.merge(plans))
        outcome = invocation.command.plan(invocation.args, foreseen)
        if isinstance(outcome, StartRun):
            plans.append(outcome.plan)
    return StartRun(planning.merge(plans)) if plans else Ignore("nothing that is configured applies")


def _under_way(trigger: Trigger, snapshot: Snapshot) -> bool:
    """Return whether a like event's run for this commit is active: Gitee tells some events several times."""
    alike = ENDING if trigger in ENDING else STARTING
    return any(
        run.sha == snapshot.sha and run.origin.trigger in alike and run.stop is None
        for run in snapshot.active
    )
