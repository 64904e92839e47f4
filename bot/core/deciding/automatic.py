"""Decides what runs automatically when a pull request is opened, updated, closed or merged."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.core.admission import environments, trust
from bot.core.admission.permissions import Policy
from bot.core.deciding import planning
from bot.core.language import parsing
from bot.core.language.command import AnyCommand
from bot.core.language.commandline import normalize
from bot.core.language.parsing import Invocation
from bot.model.delivery import Trigger
from bot.model.observed import Skip
from bot.model.outcome import Ignore, Outcome, Reply, StartRun
from bot.model.pipeline import Automatic
from bot.model.plan import Plan
from bot.model.run import Note
from bot.model.snapshot import Fact, Snapshot
from bot.model.views import ApprovalNeeded

STARTING = frozenset({Trigger.OPEN, Trigger.REOPEN, Trigger.UPDATE})
ENDING = frozenset({Trigger.CLOSE, Trigger.MERGE})

_SKIPPED = {
    Skip.DRAFT: "the pull request is a draft",
    Skip.TITLE: "the title skips automatic runs",
    Skip.COMMIT: "the newest commit skips automatic runs",
    Skip.PATHS: "the path filters match no changed file",
    Skip.PUSH: "the path filters match no file that changed since the commit that ran last",
}


def plan_for(
    trigger: Trigger,
    snapshot: Snapshot,
    skip: Skip | None,
    commands: Iterable[AnyCommand],
    policy: Policy,
) -> Outcome:
    """Return what an event starts automatically: StartRun, Reply or Ignore.

    Of the policy, only rules for environments count: what runs automatically is the configuration's decision,
    but a rule protects its environment from every run. The end of a pull request removes all environments.

    `skip` is why an open pull request starts nothing, if so; what ends one is never skipped.
    """
    wanted = configured(snapshot.pipeline.on, trigger)
    usable = [command for command in commands if command.automatic]
    if not wanted:
        return Ignore(f"nothing is configured to run on {trigger}")
    if _is_active(trigger, snapshot):
        return Ignore("a run of such an event is active")
    if trigger in ENDING:
        # The code of a closed pull request no longer runs.
        return _planned(wanted, snapshot, [one for one in usable if not one.runs_code], Policy())
    if skip is not None:
        return Ignore(_SKIPPED[skip], skip)
    if not snapshot.trusted:
        return Reply(approval_request(snapshot))
    return _planned(wanted, snapshot, usable, policy)


def left_out(
    trigger: Trigger, snapshot: Snapshot, commands: Iterable[AnyCommand], policy: Policy
) -> tuple[Note, ...]:
    """Return what to say about the configured commands that an automatic run leaves out."""
    usable = [command for command in commands if command.automatic]
    plans = _plans(configured(snapshot.pipeline.on, trigger), snapshot, usable, policy)
    return tuple(
        Note("environment_protected", {"command": line, "environment": environment})
        for line, _, environment in plans
        if environment
    )


def approval_request(snapshot: Snapshot) -> ApprovalNeeded:
    """Return the request to review and approve the latest commit."""
    pull, command = snapshot.pull, trust.approve_command(snapshot.sha)
    return ApprovalNeeded(snapshot.distrust, snapshot.sha, pull.base.ref, command, pull.changes_url)


def needs(commands: Iterable[AnyCommand]) -> frozenset[Fact]:
    """Return the facts that the commands need that an event can start."""
    return frozenset(fact for command in commands if command.automatic for fact in command.needs)


def configured(on: Automatic, trigger: Trigger) -> tuple[str, ...]:
    """Return the command lines that are configured for an event, without slashes."""
    if trigger in ENDING:
        return on.close
    if trigger in STARTING:
        return on.update if trigger is Trigger.UPDATE else on.open
    return ()


def _planned(
    wanted: Iterable[str], snapshot: Snapshot, commands: Iterable[AnyCommand], policy: Policy
) -> Outcome:
    """Join the plans of the configured commands; refusals are dropped, because no person asked for these."""
    plans = [plan for _, plan, protected in _plans(wanted, snapshot, commands, policy) if not protected]
    return StartRun(planning.merge(plans)) if plans else Ignore("no configured command has anything to do")


def _plans(
    wanted: Iterable[str], snapshot: Snapshot, commands: Iterable[AnyCommand], policy: Policy
) -> Iterator[tuple[str, Plan, str]]:
    """Yield each configured line with its plan, and the environment that keeps it from running, if any."""
    known = parsing.by_name(commands)
    before: list[Plan] = []
    for line in wanted:
        text = f"/{normalize(line).removeprefix('/')}"
        invocation = parsing.parse_line(text, known)
        if not isinstance(invocation, Invocation):
            continue
        foreseen = replace(planning.after(snapshot, planning.merge(before)), automatic=True)
        outcome = invocation.command.plan(invocation.args, foreseen)
        if isinstance(outcome, StartRun):
            protected = environments.withheld(outcome.plan, foreseen, policy)
            before += () if protected else (outcome.plan,)
            yield text, outcome.plan, protected


def _is_active(trigger: Trigger, snapshot: Snapshot) -> bool:
    """Return whether a run of such an event is active for this commit: Gitee repeats some events."""
    alike = ENDING if trigger in ENDING else STARTING
    return any(
        run.sha == snapshot.sha and run.origin.trigger in alike and run.stop is None
        for run in snapshot.active
    )
