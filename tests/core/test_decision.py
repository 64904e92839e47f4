from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.admission import keys
from bot.core.deciding import decision
from bot.core.deciding.decision import Subject
from bot.model.approval import Revocation
from bot.model.delivery import Delivery, Trigger
from bot.model.environment import EnvironmentKey, Extension
from bot.model.forge import Comment
from bot.model.observed import Effect
from bot.model.outcome import (
    Approve,
    Decision,
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
from bot.model.pipeline import Pipeline
from bot.model.plan import Deploy, Plan, Teardown, Test
from bot.model.reason import Reason
from bot.model.run import Origin, Run, StopRequest
from bot.model.snapshot import Snapshot
from bot.model.text import Language
from bot.model.views import Answer, ConfigBroken, Message
from tests.fakes.snapshots import NOW, OLD, SHA, approval, environment, pull_request, run, snapshot

PULL = pull_request()
APPROVED = Message("approved", {"actor": "lin", "author": "mei", "sha": SHA})
COMMENT = Comment(70, f"/ok-to-test {SHA}", "lin", NOW, NOW, approval().url)
BROKEN = ConfigBroken(".chatops.yml", "master", ())
SUBJECT = Subject(PULL, Origin(Trigger.COMMENT, "lin", "/deploy", "key"), NOW, Language.EN, comment=COMMENT)
GIVEN = replace(approval(), digest=keys.body_digest(COMMENT.body))
REVOKED = Revocation(GIVEN, Reason.APPROVAL_REVOKED, "lin")
NOTHING = Decision("key", PULL.repo, PULL.number, NOW, language=Language.EN)
STAGING = EnvironmentKey(PULL.repo, PULL.number, "staging")
REMOVING = Plan((Teardown(None),))
TESTING = Plan((Test(SHA, Pipeline().test, Pipeline().build),))
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (StopRuns((3,)), {"stop": (3,), "stop_request": StopRequest(Reason.CANCELLED, {"who": "lin"})}),
        (Approve(SHA), {"approve": GIVEN}),
        (Revoke((GIVEN,)), {"revoke": (REVOKED,)}),
        (Extend((Extension("staging", LATER),)), {"ending": "extended", "extend": {STAGING: LATER}}),
        (Wake(("staging",)), {"ending": "woken", "wake": (STAGING,)}),
        (Reply(APPROVED), {"replies": (APPROVED,)}),
        (Ignore("no command in it"), {"ending": "ignored: no command in it"}),
    ],
)
def test_each_outcome_becomes_its_part_of_the_decision(outcome: Outcome, expected: dict[str, object]) -> None:
    assert decision.join([outcome], SUBJECT) == replace(NOTHING, **expected)  # type: ignore[arg-type] # by name


def test_a_plan_becomes_a_run_of_the_pinned_commit() -> None:
    plan = run().plan

    found = decision.join([StartRun(plan)], SUBJECT)

    assert found.ending == "run"
    assert found.start is not None
    assert (found.start.id, found.start.plan, found.start.sha) == (0, plan, PULL.head.sha)
    assert (found.start.origin, found.start.created_at) == (SUBJECT.origin, NOW)


def test_an_invalid_configuration_refuses_everything_except_removal() -> None:
    broken = replace(SUBJECT, broken=BROKEN)

    assert decision.join([StartRun(run().plan)], broken) == replace(
        NOTHING, ending="config broken", replies=(BROKEN,)
    )
    assert decision.join([StartRun(REMOVING)], broken).start is not None


def test_a_refusal_outside_of_a_reply_is_a_bug() -> None:
    with pytest.raises(ValueError, match="merged into a reply"):
        decision.join([Refuse(Reason.NO_ENVIRONMENT)], SUBJECT)


def test_an_event_supersedes_runs_except_teardowns() -> None:
    request = StopRequest(Reason.CLOSED)
    removing = run(8, plan=REMOVING)

    assert decision.stopping(NOTHING, [run(7), removing], request) == replace(
        NOTHING, stop=(7,), stop_request=request
    )
    assert decision.stopping(NOTHING, [removing], request) == NOTHING


def test_all_replies_are_one_comment() -> None:
    replied = replace(NOTHING, replies=(APPROVED,))

    assert decision.answered_once(replied, BROKEN) == replace(NOTHING, replies=(Answer((APPROVED, BROKEN)),))
    assert decision.answered_once(replied) == replied
    assert decision.answered_once(NOTHING) == NOTHING


def test_only_a_comment_approves() -> None:
    with pytest.raises(ValueError, match="only a comment"):
        decision.join([Approve(SHA)], replace(SUBJECT, comment=None))


def deploying(number: int, name: str, sha: str = SHA) -> Run:
    return run(number, sha=sha, plan=Plan((Deploy(sha, Pipeline().deploy, {}, name),)))


def revoked(facts: Snapshot, start: Decision = NOTHING, gone: Revocation = REVOKED) -> Decision:
    return decision.revoking(start, facts, SUBJECT, (gone,))


def test_without_a_revoked_approval_nothing_ends() -> None:
    assert decision.revoking(NOTHING, snapshot(active=(run(),)), SUBJECT, ()) == NOTHING


def test_what_runs_because_of_a_revoked_approval_ends() -> None:
    facts = snapshot(
        trusted=False,
        active=(run(3), deploying(4, "staging"), run(5, sha=OLD), run(6, plan=REMOVING)),
        environments=(environment(), environment("older", sha=OLD)),
    )

    found = revoked(facts)

    assert (found.revoke, found.stop) == ((REVOKED,), (3, 4))
    assert found.stop_request == StopRequest(Reason.APPROVAL_REVOKED, {"who": "lin"})
    assert found.start is not None
    assert found.start.plan == Plan((Teardown("preview"), Teardown("staging")))
    said = {"revoked": (REVOKED,), "runs": (3, 4), "environments": ("preview", "staging")}
    assert found.replies == (Message("revoked", {**said, "command": f"/ok-to-test {SHA}"}),)


def test_a_revocation_that_a_person_asked_for_and_one_that_was_found_are_one() -> None:
    found = Revocation(approval(OLD), Reason.APPROVAL_DELETED, "mei")
    asked = replace(NOTHING, revoke=(REVOKED,), replies=(APPROVED,))

    both = revoked(snapshot(trusted=False), asked, found)

    assert both.revoke == (found, REVOKED)
    assert (len(both.replies), both.replies[1], both.stop, both.start) == (2, APPROVED, (), None)


@pytest.mark.parametrize(
    "changes",
    [{"writers_only": True}, {"approvals": (approval(comment=71),)}],
    ids=["author may push now", "approved again"],
)
def test_a_commit_that_is_trusted_otherwise_goes_on(changes: dict[str, Any]) -> None:
    facts = replace(snapshot(active=(run(3),), environments=(environment(),)), **changes)

    found = revoked(facts)

    assert (found.stop, found.start, found.revoke) == ((), None, (REVOKED,))


def test_an_approval_for_another_branch_keeps_nothing_running() -> None:
    other = approval(base="release", comment=71)

    assert revoked(replace(snapshot(active=(run(3),), environments=()), approvals=(other,))).stop == (3,)


def test_a_teardown_that_was_asked_for_is_kept() -> None:
    asked = decision.join([StartRun(REMOVING)], SUBJECT)

    assert revoked(snapshot(environments=(environment(),)), asked).start == asked.start


def test_an_ignored_delivery_has_a_reason_for_the_log() -> None:
    delivery = Delivery("key", Trigger.COMMENT, PULL.repo, PULL.number, NOW)

    assert decision.ignored(delivery, NOW, "no command in it") == Decision(
        "key", PULL.repo, PULL.number, NOW, ending="ignored: no command in it"
    )


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), set()),
        ((Reply(APPROVED),), set()),
        ((StartRun(REMOVING),), {Effect.ENVIRONMENT, Effect.RUN}),
        ((StartRun(run().plan),), {Effect.IMAGE, Effect.RUN}),
        ((StartRun(TESTING),), {Effect.TESTS, Effect.RUN}),
        ((StopRuns((3,)),), {Effect.STOP}),
        ((StopRuns((3,)), StartRun(REMOVING)), {Effect.ENVIRONMENT, Effect.RUN}),
        ((Approve(SHA),), {Effect.APPROVAL}),
        ((Revoke((GIVEN,)),), {Effect.APPROVAL}),
        ((Extend((Extension("staging", LATER),)),), {"environment:staging"}),
        ((Wake(("staging",)),), {"environment:staging"}),
    ],
)
def test_the_effects_of_a_decision(outcomes: tuple[Outcome, ...], expected: set[str]) -> None:
    assert decision.effects(decision.join(outcomes, SUBJECT)) == expected
