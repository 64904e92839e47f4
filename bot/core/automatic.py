"""What runs by itself when a pull request is opened, updated, closed or merged."""

from collections.abc import Iterable, Sequence

from bot.core import parsing, paths, planning
from bot.core.commandline import normalise
from bot.core.parsing import Invocation, Misuse
from bot.core.vocabulary import AnyCommand
from bot.model.delivery import Trigger
from bot.model.outcome import Ignore, Outcome, Refuse, Reply, Snapshot, StartRun
from bot.model.pipeline import Automatic
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from bot.model.views import ApprovalNeeded, Refusal, RefusalLine

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
    if not wanted:
        return Ignore(f"nothing is configured to run on {trigger}")
    if trigger in ENDING:
        return _ending(wanted, snapshot, commands)
    if files is not None and not paths.matches(snapshot.pipeline.paths, files):
        return Ignore("no changed file counts")
    if _under_way(snapshot):
        return Ignore("the same commit's automatic run is under way")
    if not snapshot.trusted:
        return Reply(ApprovalNeeded(snapshot.pull.author, snapshot.sha))
    return _planned(wanted, snapshot, commands)


def configured(on: Automatic, trigger: Trigger) -> tuple[str, ...]:
    """Return the command lines that the configuration gives to an event, without slashes."""
    if trigger in ENDING:
        return on.close
    if trigger in STARTING:
        return on.update if trigger is Trigger.UPDATE else on.open
    return ()


def _ending(wanted: Sequence[str], snapshot: Snapshot, commands: Iterable[AnyCommand]) -> Outcome:
    """Plan for a pull request that is over: no code is run any more, and a teardown takes all there is."""
    if not (snapshot.environments or snapshot.images or snapshot.active):
        return Ignore("there is nothing to take down")
    harmless = [command for command in commands if not command.runs_code]
    outcome = _planned(wanted, snapshot, harmless)
    if not isinstance(outcome, StartRun):
        return outcome
    steps = (Teardown(everything=True) if step == Teardown() else step for step in outcome.plan.steps)
    return StartRun(Plan(tuple(steps)))


def _planned(wanted: Sequence[str], snapshot: Snapshot, commands: Iterable[AnyCommand]) -> Outcome:
    known = parsing.by_name(command for command in commands if command.automatic)
    plans: list[Plan] = []
    refused: list[RefusalLine] = []
    for line in wanted:
        outcome = _decided(line, snapshot, known)
        if isinstance(outcome, StartRun):
            plans.append(outcome.plan)
            snapshot = planning.after(snapshot, outcome.plan)
        elif isinstance(outcome, Refuse) and outcome.reason is not Reason.STEP_DISABLED:
            refused.append(RefusalLine(line, outcome.reason, outcome.facts))
    if refused:
        return Reply(Refusal(snapshot.actor, tuple(refused)))
    return StartRun(planning.merge(plans)) if plans else Ignore("nothing that is configured applies")


def _decided(line: str, snapshot: Snapshot, known: dict[str, AnyCommand]) -> Outcome:
    match parsing.parse_line(f"/{normalise(line).removeprefix('/')}", known):
        case Invocation(command=command, args=args):
            return command.plan(args, snapshot)
        case Misuse(reason=reason, facts=facts):
            return Refuse(reason, facts)
        case _:
            return Ignore(f"no command runs by itself for {line!r}")


def _under_way(snapshot: Snapshot) -> bool:
    """Return whether an event's run for this very commit is active: Gitee tells some events several times."""
    return any(
        run.sha == snapshot.sha and run.origin.trigger in STARTING and run.stop is None
        for run in snapshot.active
    )
