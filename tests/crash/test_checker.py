"""The rules of the checker: good histories break none of them, each kind of bad history breaks its own."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import markers
from bot.core.markers import Owner
from bot.model.audit import AuditCause, AuditRecord
from bot.model.holder import ANYONE, Holder
from bot.model.run import Origin, Run, RunState
from tests.crash.checker import (
    SAYS,
    WAKING_SECONDS,
    Asked,
    Final,
    Written,
    broken_on_the_way,
    pull_of,
    wrong_in_the_end,
)
from tests.crash.history import CommentEvent, Event, FaultEvent, Phase, RunnerEvent
from tests.fakes import snapshots

STEPS = (("build", False), ("push", True), ("deploy", True), ("test", True), ("stop_tests", True))
"""What an attempt asks of the runner, and whether it changes something there."""
PATH = "/api/v5/repos/team/shop/pulls/12/comments"


@dataclass(frozen=True)
class Case:
    """A history and what remained."""

    history: tuple[Event, ...]
    final: Final

    def with_final(self, **changes: Any) -> "Case":
        return replace(self, final=replace(self.final, **changes))

    @property
    def problems(self) -> list[str]:
        return broken_on_the_way(self.history) + wrong_in_the_end(self.final)


def attempt(holder: Holder, pull: str, first: int = 0) -> list[RunnerEvent]:
    """Return what the runner sees of an undisturbed attempt; its process and its lease are named by it."""
    pid, lease = holder.run * 100 + holder.attempt, f"replica-{holder.run}-{holder.attempt}"
    return [
        RunnerEvent(0.0, first + pid * 10 + number, phase, operation, pull, pid, lease, holder)
        for number, (operation, changes) in enumerate(STEPS)
        for phase in (Phase.BEGAN, *([Phase.CHANGED] if changes else []), Phase.ENDED)
    ]


def interrupted(events: Sequence[RunnerEvent], after: int) -> list[RunnerEvent]:
    """Return the beginning of an attempt that is interrupted; the runner notices that its calls end."""
    begun = list(events[:after])
    return (
        begun
        if not begun or begun[-1].phase is Phase.ENDED
        else [*begun, replace(begun[-1], phase=Phase.ENDED)]
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw runs of one pull request, with interrupted attempts and one that completes each."""
    history: list[Event] = []
    runs: list[Run] = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        run = snapshots.run(number, sha=f"{number:040d}")
        run = replace(
            run,
            state=draw(st.sampled_from(sorted(SAYS))),
            origin=Origin(run.origin.trigger, "mei", delivery=f"key-{number}"),
        )
        runs.append(run)
        pull, last = pull_of(run), draw(st.integers(1, 3))
        for count in range(1, last):
            history += interrupted(attempt(Holder(number, count), pull), draw(st.integers(0, 10)))
        history += attempt(Holder(number, last), pull)
        history.append(posted(run, delayed=draw(st.booleans())))
    return Case(tuple(history), final(runs))


def body(run: Run, words: str = "", *, unfinished: bool = False) -> str:
    marker = markers.of_run(run).text(OWNER, unfinished=unfinished)
    return f"{words or SAYS[run.state][0]} **what became of it**\n\n{marker}"


def posted(run: Run, **how: bool) -> CommentEvent:
    return CommentEvent(0.0, "POST", PATH, 201, 0, "replica-1-1", body(run), **how)


def final(runs: Sequence[Run]) -> Final:
    pull, reply = pull_of(runs[0]), markers.reply("help", 0)
    comments = [Written(run.id, pull, body(run)) for run in runs] + [Written(100, pull, reply.text(OWNER))]
    return Final(
        asked=[
            *(Asked(run.origin.delivery, pull, run=True) for run in runs),
            Asked("help", pull, question=True, reply=reply),
        ],
        runs=runs,
        deliveries={f"key-{run.id}": "done" for run in runs},
        comments=comments,
        recorded={one.id: hashlib.sha256(one.body.encode()).hexdigest() for one in comments},
        heads={pull: runs[-1].sha},
        owned=["a", "b"],
        ready=["a"],
        at_runner=["a"],
        audited=[record(run) for run in runs],
    )


def record(run: Run) -> AuditRecord:
    """Return the audit record of the delivery that started a run."""
    cause, key = AuditCause(run.origin.trigger), run.origin.delivery
    return AuditRecord(run.created_at, run.repo, run.number, cause, runs=(run.id,), delivery=key)


def event(phase: Phase, operation: str, holder: Holder, call: int = 9999, pid: int = 7) -> RunnerEvent:
    return RunnerEvent(0.0, call, phase, operation, "team/shop!12", pid, f"replica-{pid}", holder)


OWNER = Owner("chatops", "k3f9q2xa")
OLD, NEW = Holder(1, 0), Holder(9, 1)
WOKEN = FaultEvent(0.0, "frozen before a commit", begins=True, pid=7)
THAWED = replace(WOKEN, begins=False)
LATER = WAKING_SECONDS + 0.1
Change = Callable[[Case], Case]


def then(*events: Event) -> Change:
    return lambda case: replace(case, history=(*case.history, *events))


def finally_(**changes: Callable[[Final], object]) -> Change:
    return lambda case: case.with_final(**{name: change(case.final) for name, change in changes.items()})


def said(case: Case, words: str, *, unfinished: bool = False) -> Case:
    """Let the comment of the first run, and the store, say something else."""
    first, *others = case.final.comments
    told = replace(first, body=body(case.final.runs[0], words, unfinished=unfinished))
    known = {**case.final.recorded, first.id: hashlib.sha256(told.body.encode()).hexdigest()}
    return case.with_final(comments=[told, *others], recorded=known)


BAD: dict[str, tuple[Change, str]] = {
    "a run without an audit record": (finally_(audited=lambda case: case.audited[1:]), "no audit record of"),
    "an audit record of no run": (
        finally_(audited=lambda case: [*case.audited, replace(case.audited[0], runs=(999,), position=1)]),
        "an audit record names run 999",
    ),
    "an audit record twice": (
        finally_(audited=lambda case: [*case.audited, *case.audited]),
        "2 audit records",
    ),
    "an earlier attempt removes the environment": (
        then(event(Phase.CHANGED, "remove", OLD)),
        "remove of replica-7",
    ),
    "an earlier attempt pushes": (then(event(Phase.CHANGED, "push", OLD)), "push of replica-7"),
    "an earlier attempt starts a suite": (then(event(Phase.CHANGED, "test", OLD)), "test of replica-7"),
    "a woken replica starts two suites": (
        then(WOKEN, *[event(Phase.CHANGED, "test", OLD)] * 2),
        "test of replica-7",
    ),
    "two replicas are at work": (
        then(event(Phase.BEGAN, "build", NEW, 1, 1), event(Phase.BEGAN, "build", OLD, 2)),
        "were both at work",
    ),
    "a woken replica goes on working": (
        then(
            WOKEN,
            event(Phase.BEGAN, "build", NEW, 1, 1),
            *[event(Phase.BEGAN, "build", OLD, n) for n in (2, 3)],
        ),
        "were both at work",
    ),
    "a replica that was frozen long ago works beside another one": (
        then(
            WOKEN,
            THAWED,
            replace(event(Phase.BEGAN, "build", NEW, 1, 1), at=LATER),
            replace(event(Phase.BEGAN, "build", OLD, 2), at=LATER),
        ),
        "were both at work",
    ),
    "a replica that was frozen long ago starts a suite": (
        then(WOKEN, THAWED, replace(event(Phase.CHANGED, "test", OLD), at=LATER)),
        "test of replica-7",
    ),
    "a comment is posted twice": (
        lambda case: then(posted(case.final.runs[0]), posted(case.final.runs[0]))(case),
        "was posted",
    ),
    "a delivery has two runs": (
        finally_(runs=lambda last: [*last.runs, last.runs[0]]),
        "2 runs of delivery key-1",
    ),
    "an event has no run": (
        finally_(asked=lambda last: [*last.asked, Asked("lost", "team/shop!12", run=True)]),
        "0 runs of delivery lost",
    ),
    "a late event has neither run nor reply": (
        finally_(asked=lambda last: [*last.asked, Asked("lost", "team/shop!12", run=True, late=True)]),
        "0 runs of delivery lost",
    ),
    "a question has no reply": (
        finally_(comments=lambda last: last.comments[:-1]),
        "0 replies to delivery help",
    ),
    "a question has two replies": (
        finally_(comments=lambda last: [*last.comments, last.comments[-1]]),
        "2 replies to delivery help",
    ),
    "a push has no run": (finally_(heads=lambda last: {"team/shop!12": "f" * 40}), "no automatic run of"),
    "a push has two runs": (finally_(runs=lambda last: [*last.runs, last.runs[0]]), "2 automatic runs of"),
    "a marker exists twice": (finally_(comments=lambda last: [*last.comments, last.comments[0]]), "has <!--"),
    "a run has no comment": (finally_(comments=lambda last: last.comments[1:]), "run 1 has no comment"),
    "a comment is behind": (
        lambda case: said(case, "🔄"),
        "but its comment says '🔄",
    ),
    "a comment is unfinished": (lambda case: said(case, "", unfinished=True), "but its comment says"),
    "a comment is not what the store knows": (
        finally_(recorded=lambda last: {**last.recorded, 1: "0" * 64}),
        "is not what the store says",
    ),
    "a delivery is pending": (
        finally_(deliveries=lambda last: {"key-1": "pending"}),
        "delivery key-1 is pending",
    ),
    "a run is still running": (
        finally_(runs=lambda last: [replace(last.runs[0], state=RunState.RUNNING), *last.runs[1:]]),
        "run 1 is running",
    ),
    "a comment is outdated": (finally_(outdated=lambda last: [3]), "the comment of run 3 is outdated"),
    "a lost answer is forgotten": (finally_(lost=lambda last: ["<!-- x -->"]), "was not compared"),
    "an environment has no owner": (
        finally_(at_runner=lambda last: ["a", "c"]),
        "environment c has no owner",
    ),
    "a ready environment is gone": (
        finally_(ready=lambda last: ["a", "b"]),
        "environment b is ready, but gone",
    ),
    "a former deployment is left": (
        finally_(former=lambda last: ["a"]),
        "two deployments of a are still there",
    ),
    "a suite is left": (finally_(suites=lambda last: ["a"]), "tests of a are still there"),
}


@given(cases())
def test_good_histories_break_no_rule(case: Case) -> None:
    assert case.problems == []


@pytest.mark.parametrize("kind", BAD)
@given(case=cases())
def test_each_rule_catches_its_violation(kind: str, case: Case) -> None:
    change, words = BAD[kind]
    assert any(words in problem for problem in change(case).problems)


@given(cases())
def test_what_is_allowed_breaks_no_rule(case: Case) -> None:
    allowed = then(
        WOKEN,
        THAWED,
        replace(event(Phase.CHANGED, "test", OLD), at=WAKING_SECONDS),
        event(Phase.REFUSED, "remove", OLD),
        event(Phase.CHANGED, "collect_tests", OLD),
        event(Phase.CHANGED, "remove", ANYONE),
        event(Phase.CHANGED, "deploy", NEW, pid=1),
        posted(case.final.runs[0], repeated=True),
    )
    assert allowed(case).problems == []


@given(cases())
def test_a_late_event_may_be_answered_or_dropped(case: Case) -> None:
    reply = markers.reply("lost", 0)
    late = Asked("lost", "team/shop!12", run=True, reply=reply, late=True)
    answer = Written(101, "team/shop!12", reply.text(OWNER))
    known = {**case.final.recorded, 101: hashlib.sha256(answer.body.encode()).hexdigest()}
    answered = case.with_final(
        asked=[*case.final.asked, late], comments=[*case.final.comments, answer], recorded=known
    )
    assert answered.problems == []
    assert case.with_final(asked=[late, *case.final.asked]).problems == []


@given(cases())
def test_the_call_of_a_frozen_replica_may_overlap_once(case: Case) -> None:
    both = (event(Phase.BEGAN, "build", OLD), WOKEN, event(Phase.BEGAN, "build", NEW, 1, 1))
    assert then(*both)(case).problems == []
