"""Which audit records the decision of a delivery leaves; they are stored in its transaction.

Commands that only reply are recorded if they were refused: an answer changes nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bot.core.language.command import PermissionLevel
from bot.core.language.parsing import Invocation, Line, NearMiss
from bot.model.audit import AuditCause, AuditRecord, AuditResult
from bot.model.delivery import Delivery
from bot.model.forge import PullRequest
from bot.model.outcome import Approve, Decision, Ignore, Outcome, Refuse, Reply, StartRun, StopRuns
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason, bounded
from bot.model.shortening import shortened
from bot.model.views import ApprovalNeeded

LONGEST_DETAILS = 200
"""Characters of typed arguments that are recorded."""
LONGEST_LOGIN = 200
"""Characters of a login; a webhook may claim any."""
SAFE_FACTS = frozenset(
    {"author", "by", "command", "fork", "level", "longest", "named", "now", "run", "seconds", "seen", "sha"}
    | {"environment", "step", "who"}
)
"""Names of facts that contain no text that somebody typed; see `bot/model/reason.py`."""
SECRET_FACTS = SAFE_FACTS | {"name", "part", "runner"}
"""The same for refused secrets: these names are those of a `.chatops.yml` that counts, and were checked."""

_NEW_RUN = (0,)

Mask = Callable[[str], str]


def about(delivery: Delivery, pull: PullRequest, decision: Decision, who: str) -> AuditRecord:
    """Return what all records of a delivery have in common."""
    return AuditRecord(
        at=decision.at,
        repo=pull.repo,
        number=pull.number,
        cause=AuditCause(delivery.trigger),
        result=AuditResult.ACCEPTED,
        who=who,
        sender=delivery.sender,
        sha=pull.head.sha,
        delivery=delivery.key,
    )


def of_comment(
    decided: Sequence[tuple[Line, Outcome]], decision: Decision, common: AuditRecord
) -> Iterator[AuditRecord]:
    """Yield the records of a comment's commands, in order, and of what they ended."""
    for index, (line, outcome) in enumerate(decided):
        if isinstance(line, NearMiss) or isinstance(outcome, Reply | Ignore):
            continue
        if _follows_approval(decided, index):
            continue
        starts = isinstance(outcome, StartRun) or _approval_starts(decided, index)
        command = replace(common, action=line.command.name, details=_arguments(line))
        yield _with_result(command, outcome, decision, starts=starts)
    yield from _left_out(decision, common)
    yield from of_ending(decision, common)


def unanswered(lines: Iterable[Line], common: AuditRecord) -> Iterator[AuditRecord]:
    """Yield the records of commands of a person whom the operator leaves without an answer."""
    for line in lines:
        if not isinstance(line, NearMiss):
            name = line.command.name
            facts = {"who": common.who, "command": name, "level": str(PermissionLevel.CONTRIBUTOR)}
            command = replace(common, action=name, details=_arguments(line))
            yield _refused(command, Reason.NOT_ALLOWED, facts)


def of_event(outcome: Outcome, decision: Decision, common: AuditRecord) -> Iterator[AuditRecord]:
    """Yield the records of an event: its automatic run, or why there is none, and what it ended."""
    run = replace(common, action="run")
    if decision.start is not None:
        yield replace(run, details=" ".join(decision.start.plan.names), runs=_NEW_RUN)
    elif isinstance(outcome, StartRun):
        yield _refused(run, Reason.CONFIG_INVALID, {})
    elif isinstance(outcome, Reply) and isinstance(outcome.view, ApprovalNeeded):
        yield _refused(run, outcome.view.distrust.reason, outcome.view.distrust.facts)
    yield from _left_out(decision, common)
    yield from of_ending(decision, common)


def of_ending(decision: Decision, common: AuditRecord) -> Iterator[AuditRecord]:
    """Yield the records of approvals that ended, and of runs that stop unless a command stops them.

    Those of approvals name the run that removes the environments with their code.
    """
    removing = _NEW_RUN if decision.start and _removes(decision.start.plan) else ()
    for one in decision.revoke:
        approval = one.approval
        revoked = replace(common, action="revoke", who=one.who, sha=approval.sha, reason=one.reason)
        revoked = replace(revoked, runs=removing)
        yield replace(revoked, facts={"approved_by": approval.actor})
    request = decision.stop_request
    if request is not None and request.reason is not Reason.CANCELLED:
        stop = replace(common, action="stop", runs=decision.stop, reason=request.reason)
        yield replace(stop, facts=_safe(request.facts, request.reason))


def safe(records: Iterable[AuditRecord], mask: Mask) -> tuple[AuditRecord, ...]:
    """Return the records of a delivery with their positions, bounded, and without secrets."""
    return tuple(
        replace(
            record,
            position=position,
            who=short(record.who, LONGEST_LOGIN),
            sender=short(mask(record.sender), LONGEST_LOGIN),
            details=short(mask(record.details), LONGEST_DETAILS),
            facts=bounded({name: mask(value) for name, value in record.facts.items()}),
        )
        for position, record in enumerate(records)
    )


def short(text: str, most: int) -> str:
    """Return text that can be stored, cut to so many characters."""
    return shortened(bounded({"": text})[""], most)


def _with_result(command: AuditRecord, outcome: Outcome, decision: Decision, *, starts: bool) -> AuditRecord:
    if isinstance(outcome, Refuse):
        return _refused(command, outcome.reason, outcome.facts)
    if isinstance(outcome, StopRuns):
        return replace(command, runs=outcome.runs)
    if starts and decision.start is None and not isinstance(outcome, Approve):
        return _refused(command, Reason.CONFIG_INVALID, {})
    return replace(command, runs=_NEW_RUN if starts and decision.start else ())


def _left_out(decision: Decision, common: AuditRecord) -> Iterator[AuditRecord]:
    """Yield the records of commands that the automatic run leaves out, for the rule of an environment."""
    for note in decision.start.notes if decision.start else ():
        if note.code == "environment_protected":
            run = replace(common, action="run", details=note.facts["command"].removeprefix("/"))
            yield _refused(run, Reason.NOT_ALLOWED, {"environment": note.facts["environment"]})


def _removes(plan: Plan) -> bool:
    return any(isinstance(step, Teardown) for step in plan.steps)


def _follows_approval(decided: Sequence[tuple[Line, Outcome]], index: int) -> bool:
    """Return whether this is the automatic run of the approval before it, which has a record."""
    return (
        index > 0
        and isinstance(decided[index - 1][1], Approve)
        and decided[index - 1][0] is decided[index][0]
    )


def _approval_starts(decided: Sequence[tuple[Line, Outcome]], index: int) -> bool:
    following = decided[index + 1 : index + 2]
    return isinstance(decided[index][1], Approve) and any(isinstance(one, StartRun) for _, one in following)


def _arguments(line: Line) -> str:
    """Return the arguments of a valid command as they were typed; invalid ones may be anything."""
    if not isinstance(line, Invocation):
        return ""
    return re.sub(r"^\S+\s*", "", line.text)


def _refused(record: AuditRecord, reason: Reason, facts: Mapping[str, str]) -> AuditRecord:
    return replace(record, result=AuditResult.REFUSED, reason=reason, facts=_safe(facts, reason))


def _safe(facts: Mapping[str, str], reason: Reason) -> dict[str, str]:
    known = SECRET_FACTS if reason.startswith("secret_") else SAFE_FACTS
    return {name: value for name, value in facts.items() if name in known}
