"""The two questions of the engine, answered purely: what a comment starts, and what an event starts.

Commands of one comment are decided in order, each seeing the facts as those before it will leave them.
What they start is one run, what they are refused is one answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from bot.core import duration
from bot.core.admission import gate
from bot.core.deciding import automatic as automatically
from bot.core.deciding import planning
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.core.language.parsing import Invocation, Line, Misuse, NearMiss
from bot.model.delivery import Trigger
from bot.model.environment import Extension
from bot.model.forge import Permission
from bot.model.outcome import Approve, Extend, Ignore, Outcome, Refuse, Reply, StartRun, StopRuns, Wake
from bot.model.plan import Plan
from bot.model.reason import Reason
from bot.model.snapshot import Fact, Snapshot
from bot.model.views import Message, Refusal, RefusalLine

T = TypeVar("T")
Said = Sequence[tuple[Line, Outcome]]


def comment(
    lines: Sequence[Line],
    snapshot: Snapshot,
    *,
    permission: Permission,
    seen: str | None,
    commands: Iterable[AnyCommand],
    policy: Mapping[str, PermissionLevel],
) -> tuple[Outcome, ...]:
    """Return what a comment leads to, in the order in which to carry it out.

    `permission` is the actor's, read just now; `seen` the head that the delivery showed, None if unknown.
    At most one Approve, StopRuns, Extend, Wake and StartRun each come out, never a Refuse: refusals are one
    Reply. An Approve is followed by its own Reply, and by the StartRun that it sets free. Words that are not
    for us give one Ignore.
    """
    known = tuple(commands)
    said: list[tuple[Line, Outcome]] = []
    for line in lines:
        outcome = _decided(line, _foreseen(snapshot, said), permission, seen, policy)
        said.append((line, outcome))
        if isinstance(outcome, Approve):
            said.append((line, automatic(Trigger.OPEN, _foreseen(snapshot, said), None, known)))
    return tuple(_merged(said, snapshot)) or (Ignore("nothing in it is for this bot"),)


def needs(lines: Iterable[Line], commands: Iterable[AnyCommand]) -> frozenset[Fact]:
    """Return the facts that a comment's commands need, also for the automatic run after an approval."""
    named = [line.command for line in lines if isinstance(line, Invocation)]
    approves = any(command.approves for command in named)
    return _needs(named) | (automatic_needs(commands) if approves else frozenset())


def automatic_needs(commands: Iterable[AnyCommand]) -> frozenset[Fact]:
    """Return the facts that commands need which an event can start."""
    return _needs(command for command in commands if command.automatic)


def _needs(commands: Iterable[AnyCommand]) -> frozenset[Fact]:
    return frozenset(fact for command in commands for fact in command.needs)


def automatic(
    trigger: Trigger, snapshot: Snapshot, files: Sequence[str] | None, commands: Iterable[AnyCommand]
) -> Outcome:
    """Return what an event starts by itself: StartRun, Reply or Ignore; `files` None skips the filters."""
    return automatically.plan_for(trigger, snapshot, files, commands)


def _decided(
    line: Line,
    snapshot: Snapshot,
    permission: Permission,
    seen: str | None,
    policy: Mapping[str, PermissionLevel],
) -> Outcome:
    if isinstance(line, NearMiss):
        return _reply("hint", snapshot, typed=line.typed, suggestion=line.suggestion)
    need = gate.level(line.command, policy)
    refused = gate.refusal(line.command, need, snapshot, permission=permission, seen=seen)
    return refused or _planned(line, snapshot, seen)


def _planned(line: Invocation | Misuse, snapshot: Snapshot, seen: str | None) -> Outcome:
    if isinstance(line, Misuse):
        return Refuse(line.reason, line.facts)
    if seen is None and line.command.approves and line.args == line.command.bind(()):
        # Nobody knows which commit this person looked at: it has to be named.
        facts = {"argument": line.command.arguments[0].name, "usage": line.command.usage}
        return Refuse(Reason.ARGUMENT_MISSING, facts)
    return line.command.plan(line.args, snapshot)


def _foreseen(snapshot: Snapshot, said: Said) -> Snapshot:
    """Return the facts as what was said so far will leave them."""
    outcomes = [outcome for _, outcome in said]
    stopped = _stopped(outcomes)
    approved = any(isinstance(outcome, Approve) and outcome.sha == snapshot.sha for outcome in outcomes)
    changed = planning.wake_requested(planning.extended(snapshot, _extensions(outcomes)), _wakes(outcomes))
    return replace(
        planning.after(changed, _plan(outcomes)),
        trusted=snapshot.trusted or approved,
        active=tuple(run for run in snapshot.active if run.id not in stopped),
    )


def _plan(outcomes: Iterable[Outcome]) -> Plan:
    return planning.merge([outcome.plan for outcome in outcomes if isinstance(outcome, StartRun)])


def _stopped(outcomes: Iterable[Outcome]) -> tuple[int, ...]:
    return _unique(run for outcome in outcomes if isinstance(outcome, StopRuns) for run in outcome.runs)


def _extensions(outcomes: Iterable[Outcome]) -> tuple[Extension, ...]:
    """Return what is extended, each environment once and as it was asked last."""
    asked = (one for outcome in outcomes if isinstance(outcome, Extend) for one in outcome.environments)
    return tuple({one.name: one for one in asked}.values())


def _wakes(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    return _unique(name for outcome in outcomes if isinstance(outcome, Wake) for name in outcome.environments)


def _merged(said: Said, snapshot: Snapshot) -> Iterator[Outcome]:
    outcomes = [outcome for _, outcome in said]
    for approval in _unique(outcome for outcome in outcomes if isinstance(outcome, Approve)):
        yield approval
        yield _reply("approved", snapshot, author=snapshot.pull.author, sha=approval.sha)
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
    yield from _replies(said)
    if refused := _unique(_refusals(said)):
        yield Reply(Refusal(snapshot.actor, refused))
    if (plan := _plan(outcomes)).steps:
        yield StartRun(plan)


def _reply(template: str, snapshot: Snapshot, **facts: object) -> Reply:
    return Reply(Message(template, {"actor": snapshot.actor, **facts}))


def _replies(said: Said) -> tuple[Reply, ...]:
    """Return each reply once, and at most one hint: several would be a nuisance."""
    replies = [(line, outcome) for line, outcome in said if isinstance(outcome, Reply)]
    hints = _unique(outcome for line, outcome in replies if isinstance(line, NearMiss))
    return _unique(outcome for _, outcome in replies if outcome not in hints[1:])


def _refusals(said: Said) -> Iterator[RefusalLine]:
    for line, outcome in said:
        if isinstance(outcome, Refuse) and not isinstance(line, NearMiss):
            yield RefusalLine(line.text, outcome.reason, outcome.facts)


def _unique(values: Iterable[T]) -> tuple[T, ...]:
    """Return values without repetitions, in order; they need not be hashable."""
    found: list[T] = []
    for value in values:
        if value not in found:
            found.append(value)
    return tuple(found)
