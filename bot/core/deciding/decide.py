"""Decides what a comment leads to.

The commands of one comment are decided in order, each on the facts as the previous ones will leave them.
Together they start at most one run, and all refusals are one reply.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.core import duration
from bot.core.admission import environments, gate, permissions, secrets
from bot.core.admission.permissions import Policy
from bot.core.deciding import automatic, planning
from bot.core.language.command import AnyCommand
from bot.core.language.parsing import Invocation, Line, Misuse, NearMiss
from bot.model.delivery import Trigger
from bot.model.environment import Extension
from bot.model.forge import Permission, RepoPath
from bot.model.outcome import (
    Approve,
    Extend,
    Ignore,
    Outcome,
    Refuse,
    Reply,
    Revoke,
    StartRun,
    StopRuns,
    Wake,
)
from bot.model.plan import Plan
from bot.model.snapshot import Fact, Snapshot
from bot.model.views import Message, Refusal, RefusalLine

T = TypeVar("T")
Decided = Sequence[tuple[Line, Outcome]]


def each(
    lines: Sequence[Line],
    snapshot: Snapshot,
    *,
    permission: Permission,
    seen: str | None,
    commands: Iterable[AnyCommand],
    policy: Policy,
    late: Callable[[Line], Refuse | None] = lambda _: None,
) -> Decided:
    """Return the outcome of each line of a comment, as `merged` takes them.

    `late` returns why a command that was found late is not executed. `permission` is the actor's, read just
    now. `seen` is the head commit that the delivery reported, None if unknown. An approval is followed by the
    automatic run of the commit. What lets code run before a `revoke` in the same comment is left out.
    """
    known = tuple(commands)
    decided: list[tuple[Line, Outcome]] = []
    for line in lines:
        outcome = _decided(line, _foreseen(snapshot, decided), permission, seen, policy, late=late)
        if isinstance(outcome, Revoke):
            decided = [pair for pair in decided if not _lets_run(pair[1])]
        decided.append((line, outcome))
        if isinstance(outcome, Approve):
            trusted = _foreseen(snapshot, decided)
            decided.append((line, automatic.plan_for(Trigger.OPEN, trusted, None, known, policy)))
    return decided


def merged(decided: Decided, snapshot: Snapshot) -> tuple[Outcome, ...]:
    """Return the outcomes of a comment, in the order in which to apply them.

    There is at most one Revoke, Approve, StopRuns, Extend, Wake and StartRun, each but the first and
    the last followed by its confirmation, and no Refuse: refusals are one Reply. A comment without commands
    for this bot gives one Ignore.
    """
    return tuple(_merged(decided, snapshot)) or (Ignore("nothing in it is for this bot"),)


def needs(
    lines: Iterable[Line], commands: Iterable[AnyCommand], policy: Policy, repo: RepoPath
) -> frozenset[Fact]:
    """Return the facts that a comment needs: its commands, their rules, and the run after an approval."""
    asked = [line.command for line in lines if not isinstance(line, NearMiss)]
    named = [line.command for line in lines if isinstance(line, Invocation)]
    needed = frozenset(fact for command in named for fact in command.needs)
    if policy.asks_owners({command.name for command in asked}, repo):
        needed |= {Fact.OWNERS}
    return needed | automatic.needs(commands) if any(command.approves for command in named) else needed


def is_named(lines: Iterable[Line], snapshot: Snapshot, permission: Permission, policy: Policy) -> bool:
    """Return whether the rule for a command of the comment is for its author by name or by OWNERS."""
    who = gate.person(snapshot, permission)
    asked = [line for line in lines if not isinstance(line, NearMiss)]
    rules = [policy.rule(line.command, snapshot.pull.repo, _environment(line)) for line in asked]
    return any(permissions.is_named(rule, who) for rule in rules)


def _decided(
    line: Line,
    snapshot: Snapshot,
    permission: Permission,
    seen: str | None,
    policy: Policy,
    *,
    late: Callable[[Line], Refuse | None],
) -> Outcome:
    if isinstance(line, NearMiss):
        return _reply("hint", snapshot, typed=line.typed, suggestion=line.suggestion)
    command = line.command
    environment, repo = _environment(line), snapshot.pull.repo
    rule = policy.rule(command, repo, environment)
    if isinstance(line, Invocation) and command.revokes(line.args):
        command = replace(command, runs_code=False)
    about = environment if policy.own_rule(command.name, environment, repo) else ""
    refused = gate.refusal(command, rule, snapshot, permission=permission, seen=seen, environment=about)
    if refused := refused or late(line):
        return refused
    outcome = _planned(line, snapshot)
    return environments.refusal(outcome, snapshot, policy, permission) or outcome


def _environment(line: Invocation | Misuse) -> str:
    """Return the environment that the arguments of a command name, empty if they name none."""
    named = line.command.environment if isinstance(line, Invocation) else None
    return (named(line.args) if named and isinstance(line, Invocation) else None) or ""


def _planned(line: Invocation | Misuse, snapshot: Snapshot) -> Outcome:
    if isinstance(line, Misuse):
        return Refuse(line.reason, line.facts)
    outcome = line.command.plan(line.args, snapshot)
    if not isinstance(outcome, StartRun):
        return outcome
    grants = snapshot.settings.secrets
    return secrets.first_refusal(outcome.plan, snapshot.pull.repo, grants) or outcome


def _foreseen(snapshot: Snapshot, decided: Decided) -> Snapshot:
    """Return the facts as the commands so far will leave them."""
    outcomes = [outcome for _, outcome in decided]
    stopped = _stopped(outcomes)
    deciding = [outcome for outcome in outcomes if isinstance(outcome, Approve | Revoke)]
    approved = deciding[-1] == Approve(snapshot.sha) if deciding else snapshot.trusted
    changed = planning.wake_requested(planning.extended(snapshot, _extensions(outcomes)), _wakes(outcomes))
    return replace(
        planning.after(changed, _plan(outcomes)),
        trusted=snapshot.writers_only or approved,
        active=tuple(run for run in snapshot.active if run.id not in stopped),
    )


def _lets_run(outcome: Outcome) -> bool:
    """Return whether it lets code of the pull request run, which a later `revoke` in the comment prevents."""
    started = isinstance(outcome, StartRun) and not outcome.plan.removes_only
    return started or isinstance(outcome, Approve)


def _plan(outcomes: Iterable[Outcome]) -> Plan:
    return planning.merge([outcome.plan for outcome in outcomes if isinstance(outcome, StartRun)])


def _stopped(outcomes: Iterable[Outcome]) -> tuple[int, ...]:
    return _unique(run for outcome in outcomes if isinstance(outcome, StopRuns) for run in outcome.runs)


def _extensions(outcomes: Iterable[Outcome]) -> tuple[Extension, ...]:
    """Return the extensions, for each environment the last one."""
    asked = (one for outcome in outcomes if isinstance(outcome, Extend) for one in outcome.environments)
    return tuple({one.name: one for one in asked}.values())


def _wakes(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    return _unique(name for outcome in outcomes if isinstance(outcome, Wake) for name in outcome.environments)


def _merged(decided: Decided, snapshot: Snapshot) -> Iterator[Outcome]:
    outcomes = [outcome for _, outcome in decided]
    yield from _unique(outcome for outcome in outcomes if isinstance(outcome, Revoke))
    for approval in _unique(outcome for outcome in outcomes if isinstance(outcome, Approve)):
        yield approval
        pull = snapshot.pull
        yield _reply("approved", snapshot, author=pull.author, sha=approval.sha, base=pull.base.ref)
    if stopped := _stopped(outcomes):
        yield StopRuns(stopped)
        yield _reply("stopping", snapshot, runs=stopped)
    if extended := _extensions(outcomes):
        yield Extend(extended)
        longest = duration.compact(snapshot.settings.max_lifetime)
        yield _reply("extended", snapshot, environments=extended, longest=longest)
    if woken := _wakes(outcomes):
        yield Wake(woken)
        yield _reply("waking", snapshot, environments=woken)
    yield from _replies(decided)
    if refused := _unique(_refusals(decided)):
        yield Reply(Refusal(snapshot.actor, refused))
    if (plan := _plan(outcomes)).steps:
        yield StartRun(plan)


def _reply(template: str, snapshot: Snapshot, **facts: object) -> Reply:
    return Reply(Message(template, {"actor": snapshot.actor, **facts}))


def _replies(decided: Decided) -> tuple[Reply, ...]:
    """Return each reply once, and at most one hint: several would be a nuisance."""
    replies = [(line, outcome) for line, outcome in decided if isinstance(outcome, Reply)]
    hints = _unique(outcome for line, outcome in replies if isinstance(line, NearMiss))
    return _unique(outcome for _, outcome in replies if outcome not in hints[1:])


def _refusals(decided: Decided) -> Iterator[RefusalLine]:
    for line, outcome in decided:
        if isinstance(outcome, Refuse) and not isinstance(line, NearMiss):
            yield RefusalLine(line.text, outcome.reason, outcome.facts)


def _unique(values: Iterable[T]) -> tuple[T, ...]:
    """Return the values without duplicates, in order; they need not be hashable."""
    found: list[T] = []
    for value in values:
        if value not in found:
            found.append(value)
    return tuple(found)
