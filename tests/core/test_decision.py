from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.deciding import decision
from bot.core.deciding.decision import Subject
from bot.model.delivery import Delivery, Trigger
from bot.model.environment import EnvironmentKey, Extension
from bot.model.outcome import (
    Approve,
    Decision,
    Extend,
    Ignore,
    Outcome,
    Refuse,
    Reply,
    StartRun,
    StopRuns,
    Wake,
)
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from bot.model.run import Origin, StopRequest
from bot.model.text import Language
from bot.model.views import Answer, ConfigBroken, Message
from tests.fakes.snapshots import NOW, pull_request, run

PULL = pull_request()
APPROVED = Message("approved", {"actor": "lin", "author": "mei", "sha": "a" * 40})
BROKEN = ConfigBroken(".chatops.yml", "master", ())
SUBJECT = Subject(PULL, Origin(Trigger.COMMENT, "lin", "/deploy", "key"), NOW, Language.EN)
NOTHING = Decision("key", PULL.repo, PULL.number, NOW, language=Language.EN)
STAGING = EnvironmentKey(PULL.repo, PULL.number, "staging")
REMOVING = Plan((Teardown(None),))
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (StopRuns((3,)), {"stop": (3,), "stop_request": StopRequest(Reason.CANCELLED, {"who": "lin"})}),
        (Approve("a" * 40), {"approve": "a" * 40, "actor": "lin"}),
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


def test_an_ignored_delivery_has_a_reason_for_the_log() -> None:
    delivery = Delivery("key", Trigger.COMMENT, PULL.repo, PULL.number, NOW)

    assert decision.ignored(delivery, NOW, "no command in it") == Decision(
        "key", PULL.repo, PULL.number, NOW, ending="ignored: no command in it"
    )
