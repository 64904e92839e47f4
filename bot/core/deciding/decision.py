"""Joins the outcomes of a delivery into the one decision that the store commits."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.admission import keys, trust
from bot.model.approval import Approval, Revocation
from bot.model.delivery import Delivery
from bot.model.environment import EnvironmentKey
from bot.model.forge import Comment, PullRequest
from bot.model.observed import Effect, on_environment
from bot.model.outcome import (
    Approve,
    Decision,
    Extend,
    Ignore,
    Outcome,
    Reply,
    Revoke,
    StartRun,
    StopRuns,
    Wake,
)
from bot.model.plan import Build, Deploy, Plan, Step, Teardown
from bot.model.reason import Reason
from bot.model.run import Note, Origin, Run, StopRequest
from bot.model.snapshot import Snapshot
from bot.model.text import Language
from bot.model.views import Answer, ConfigBroken, Message, Refusal, View


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is about."""

    pull: PullRequest
    origin: Origin
    """The delivery, and the person who commented or caused the event."""
    at: datetime
    language: Language
    broken: ConfigBroken | None = None
    """Why the base branch's configuration cannot be used; then only runs start that just remove things."""
    notes: tuple[Note, ...] = ()
    """Shown with the run."""
    comment: Comment | None = None
    """The comment that is decided, if it is one."""


def ignored(delivery: Delivery, at: datetime, why: str, *, refuted: bool = False) -> Decision:
    """Return the decision to change nothing and to post nothing."""
    return Decision(
        delivery.key, delivery.repo, delivery.number, at, ending=f"ignored: {why}", refuted=refuted
    )


def join(outcomes: Iterable[Outcome], subject: Subject) -> Decision:
    """Return one decision for all outcomes of a delivery, which are in the order that `decide` returns."""
    pull = subject.pull
    decision = Decision(
        subject.origin.delivery, pull.repo, pull.number, subject.at, language=subject.language
    )
    for outcome in outcomes:
        decision = _with(decision, outcome, subject)
    return decision


def answered_once(decision: Decision, *more: View) -> Decision:
    """Return the decision with all replies, and these further ones, in one comment."""
    parts = (*decision.replies, *more)
    return replace(decision, replies=(Answer(parts),) if len(parts) > 1 else parts)


def stopping(decision: Decision, runs: Iterable[Run], request: StopRequest) -> Decision:
    """Add that these runs are to stop, because an event made them obsolete; those that only remove go on."""
    obsolete = tuple(run.id for run in runs if not run.plan.removes_only)
    if not obsolete:
        return decision
    return replace(decision, stop=tuple(dict.fromkeys((*decision.stop, *obsolete))), stop_request=request)


def effects(decision: Decision) -> frozenset[str]:
    """Return what a decision changes."""
    found = {on_environment(key.name) for key in (*decision.extend, *decision.wake)}
    if decision.start:
        found |= {_effect(step) for step in decision.start.plan.steps}
        found.add(Effect.RUN)
    if decision.stop and not decision.start:
        found.add(Effect.STOP)
    if decision.approve or decision.revoke or _revokes_nothing(decision):
        found.add(Effect.APPROVAL)
    return frozenset(found)


def _effect(step: Step) -> str:
    if isinstance(step, Deploy | Teardown):
        return on_environment(step.environment)
    return Effect.IMAGE if isinstance(step, Build) else Effect.TESTS


def _revokes_nothing(decision: Decision) -> bool:
    """Return whether a revocation found no approval; an earlier one that is still on its way ends as well."""
    refusals = (view for view in decision.replies if isinstance(view, Refusal))
    return any(line.reason is Reason.NOTHING_APPROVED for one in refusals for line in one.lines)


def revoking(
    decision: Decision, snapshot: Snapshot, subject: Subject, found: Iterable[Revocation]
) -> Decision:
    """Add the end of what runs because of approvals that no longer count, and a reply that says so.

    Runs of their commits stop, and environments with their code are removed, before anything else that the
    decision starts, and unless it approves this commit again.
    """
    revoked = tuple(dict.fromkeys((*found, *decision.revoke)))
    if not revoked:
        return decision
    again = decision.approve.sha if decision.approve else ""
    runs, environments = _running(snapshot, revoked, again)
    first = revoked[0]
    decision = stopping(decision, runs, StopRequest(first.reason, first.facts))
    decision = _removing(decision, environments, snapshot, subject)
    facts = {
        "revoked": revoked,
        "runs": tuple(run.id for run in runs),
        "environments": environments,
        "command": "" if snapshot.writers_only else trust.approve_command(snapshot.sha),
    }
    replies = (Message("revoked", facts), *decision.replies)
    return replace(decision, revoke=revoked, replies=replies)


def _removing(
    decision: Decision, environments: Iterable[str], snapshot: Snapshot, subject: Subject
) -> Decision:
    """Add that these environments are removed first, as far as the decision does not remove them anyway."""
    rest = decision.start.plan.steps if decision.start else ()
    torn_down = {step.environment for step in rest if isinstance(step, Teardown)}
    names = [name for name in environments if torn_down.isdisjoint({name, None})]
    if not names:
        return decision
    steps = tuple(Teardown(name, config=snapshot.pipeline.teardown) for name in names)
    return _starting(decision, Plan((*steps, *rest)), subject)


def _running(
    snapshot: Snapshot, revoked: Iterable[Revocation], again: str
) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """Return the runs and the environments of commits that are not trusted any more.

    The environments of the commit that is approved `again` stay.
    """
    gone = {one.approval for one in revoked}
    left = {one.sha for one in snapshot.approvals if one not in gone and one.base == snapshot.pull.base.ref}
    trusted = left | ({snapshot.sha} if snapshot.writers_only else set())
    ended = {one.sha for one in gone} - trusted
    runs = tuple(run for run in snapshot.active if run.sha in ended and not run.plan.removes_only)
    gone_for_good = ended - {again}
    deployed = [one.key.name for one in snapshot.environments.values() if one.sha in gone_for_good]
    coming = [
        step.environment
        for run in runs
        for step in run.plan.steps
        if isinstance(step, Deploy) and step.sha in gone_for_good
    ]
    return runs, tuple(dict.fromkeys((*deployed, *coming)))


def _with(decision: Decision, outcome: Outcome, subject: Subject) -> Decision:
    match outcome:
        case StartRun(plan=plan):
            return _starting(decision, plan, subject)
        case StopRuns(runs=runs, reason=reason):
            request = StopRequest(reason, {"who": subject.origin.actor})
            return replace(decision, stop=runs, stop_request=request)
        case Approve() | Revoke():
            return _with_approvals(decision, outcome, subject)
        case Extend() | Wake():
            return _with_environments(decision, outcome, subject)
        case Reply(view=view):
            return replace(decision, replies=(*decision.replies, view))
        case Ignore(why=why, skip=skip):
            return replace(decision, ending=f"ignored: {why}", skipped=skip)
    raise ValueError(f"refusals are merged into a reply before: {outcome}")


def _with_approvals(decision: Decision, outcome: Approve | Revoke, subject: Subject) -> Decision:
    if isinstance(outcome, Approve):
        return replace(decision, approve=_approval(outcome.sha, subject))
    who = subject.origin.actor
    found = tuple(Revocation(one, Reason.APPROVAL_REVOKED, who) for one in outcome.approvals)
    return replace(decision, revoke=found)


def _approval(sha: str, subject: Subject) -> Approval:
    comment = subject.comment
    if comment is None:
        raise ValueError("only a comment approves a commit")
    return Approval(
        sha=sha,
        base=subject.pull.base.ref,
        actor=subject.origin.actor,
        at=subject.at,
        comment=comment.id,
        url=comment.url,
        digest=keys.body_digest(comment.body),
    )


def _with_environments(decision: Decision, outcome: Extend | Wake, subject: Subject) -> Decision:
    if isinstance(outcome, Extend):
        until = {_key(subject, one.name): one.until for one in outcome.environments}
        return replace(decision, ending="extended", extend=until)
    woken = tuple(_key(subject, name) for name in outcome.environments)
    return replace(decision, ending="woken", wake=woken)


def _starting(decision: Decision, plan: Plan, subject: Subject) -> Decision:
    if subject.broken is not None and not plan.removes_only:
        return replace(decision, ending="config broken", replies=(*decision.replies, subject.broken))
    return replace(decision, ending="run", start=_run(plan, subject))


def _run(plan: Plan, subject: Subject) -> Run:
    pull = subject.pull
    return Run(
        id=0,
        repo=pull.repo,
        number=pull.number,
        sha=pull.head.sha,
        plan=plan,
        origin=subject.origin,
        language=subject.language,
        created_at=subject.at,
        clone_url=pull.clone_url,
        author=pull.author,
        branch=pull.head.ref,
        title=pull.title,
        notes=subject.notes,
    )


def _key(subject: Subject, name: str) -> EnvironmentKey:
    return EnvironmentKey(subject.pull.repo, subject.pull.number, name)
