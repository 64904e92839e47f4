"""Which audit records decisions leave, and how they are written out."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.admission.permissions import Policy
from bot.core.auditing import decisions, own_acts, showing
from bot.core.deciding.decide import each, needs
from bot.core.language.parsing import parse
from bot.core.results.masking import Masker
from bot.model.approval import Revocation
from bot.model.audit import AuditActor, AuditCause, AuditRecord, AuditResult
from bot.model.delivery import Delivery, Trigger
from bot.model.forge import Permission
from bot.model.inventory import Item, ItemKind
from bot.model.outcome import Decision, Ignore, Outcome, Refuse, Reply, StartRun
from bot.model.pipeline import RunnerName
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from bot.model.run import Note, StopRequest
from bot.model.snapshot import Snapshot
from bot.model.views import ApprovalNeeded, Message
from tests.fakes.snapshots import (
    COMMANDS,
    NOW,
    REPO,
    SHA,
    approval,
    distrust,
    environment,
    only,
    pull_request,
    run,
    snapshot,
)

KEY = "5e" * 32
DELIVERY = Delivery(KEY, Trigger.COMMENT, REPO, 12, NOW, comment_id=70, sender="LIN")
PULL = pull_request()
NOTHING = Decision(KEY, REPO, 12, NOW)
STARTING = replace(NOTHING, start=run(0))
REMOVING = StartRun(Plan((Teardown(None),)))
COMMON = decisions.about(DELIVERY, PULL, NOTHING, "lin")
BY_LIN = AuditRecord(
    NOW, REPO, 12, AuditCause.COMMENT, "", AuditResult.ACCEPTED, "lin", "LIN", SHA, delivery=KEY
)
UNTRUSTED = snapshot(trusted=False, pull=pull_request(fork=True, author="stranger"))
OPERATOR = AuditActor(AuditCause.OPERATOR, "root")
MOST = 200


def of(body: str, decision: Decision = STARTING, facts: Snapshot | None = None) -> list[AuditRecord]:
    """Return the records of a comment by lin."""
    lines = parse(body, COMMANDS)
    gathered = only(facts or snapshot(), needs(lines, COMMANDS, Policy(), REPO))
    decided = each(lines, gathered, permission=Permission.WRITE, seen=SHA, commands=COMMANDS, policy=Policy())
    return list(decisions.of_comment(decided, decision, COMMON))


def test_what_all_records_of_a_delivery_have_in_common() -> None:
    assert COMMON == BY_LIN


@pytest.mark.parametrize("body", ["/help", "/status", "/hlep", "/lgtm", "", "/help\n/status"])
def test_answers_leave_no_record(body: str) -> None:
    assert of(body, NOTHING) == []


def test_each_command_of_a_comment_leaves_a_record() -> None:
    build, deploy, again = of("/build\n/deploy prod ttl=8h\n/build")
    assert build == again == replace(BY_LIN, action="build", runs=(0,))
    assert (deploy.action, deploy.details, deploy.runs) == ("deploy", "prod ttl=8h", ())
    assert (deploy.result, deploy.reason, deploy.facts) == (
        AuditResult.REFUSED,
        Reason.UNKNOWN_ENVIRONMENT,
        {},
    )


def test_arguments_that_are_not_valid_are_not_recorded() -> None:
    [misused] = of("/build token=ghp_0123456789", NOTHING)
    assert (misused.reason, misused.details, misused.facts) == (Reason.ARGUMENT_UNKNOWN, "", {})


def test_a_refusal_for_an_environment_names_it() -> None:
    facts = {"who": "mei", "command": "teardown", "level": "@lin", "environment": "production"}
    refused = Refuse(Reason.NOT_ALLOWED, {**facts, "helpers": "lin"})
    [record] = decisions.of_comment([(parse("/teardown", COMMANDS)[0], refused)], NOTHING, COMMON)
    assert (record.details, record.facts) == ("", facts)


def test_a_refused_secret_is_named() -> None:
    facts = {"name": "npm-token", "part": "services.db", "environment": "staging"}
    refused = Refuse(Reason.SECRET_NOT_GRANTED, {**facts, "setting": "[secrets.npm-token] …"})
    [record] = decisions.of_comment([(parse("/deploy staging", COMMANDS)[0], refused)], NOTHING, COMMON)
    assert (record.details, record.facts) == ("staging", facts)


def test_a_cancellation_names_the_runs_that_it_stops() -> None:
    busy = snapshot(active=(run(7), run(8)))
    request = StopRequest(Reason.CANCELLED, {"who": "lin"})
    [cancel] = of("/cancel", replace(NOTHING, stop=(7, 8), stop_request=request), busy)
    assert (cancel.action, cancel.runs, cancel.result) == ("cancel", (7, 8), AuditResult.ACCEPTED)


def test_an_approval_and_its_automatic_run_are_one_record() -> None:
    [approved, built] = of("/ok-to-test\n/build", STARTING, UNTRUSTED)
    assert (approved.action, approved.runs) == ("ok-to-test", (0,))
    assert (built.action, built.runs) == ("build", (0,))
    [alone] = of("/ok-to-test", NOTHING, UNTRUSTED)
    assert (alone.result, alone.runs) == (AuditResult.ACCEPTED, ())


def test_an_approval_that_starts_nothing_is_accepted() -> None:
    busy = replace(UNTRUSTED, active=(run(trigger=Trigger.OPEN),))
    [approved] = of("/ok-to-test", NOTHING, busy)
    assert (approved.result, approved.runs) == (AuditResult.ACCEPTED, ())


def test_a_run_that_the_configuration_prevents_is_refused() -> None:
    [record] = of("/build", NOTHING)
    assert (record.result, record.reason) == (AuditResult.REFUSED, Reason.CONFIG_INVALID)


def test_an_extension_is_accepted() -> None:
    [record] = of("/extend 1d", NOTHING, snapshot(environments=(environment(),)))
    assert (record.action, record.details, record.runs) == ("extend", "1d", ())


def test_commands_without_an_answer_are_refused() -> None:
    [record] = decisions.unanswered(parse("/build\n/biuld", COMMANDS), COMMON)
    facts = {"who": "lin", "command": "build", "level": "contributor"}
    assert (record.reason, record.facts) == (Reason.NOT_ALLOWED, facts)


@pytest.mark.parametrize(
    ("outcome", "decision", "expected"),
    [
        (REMOVING, replace(NOTHING, start=run(0)), [("run", "build", None)]),
        (REMOVING, NOTHING, [("run", "", Reason.CONFIG_INVALID)]),
        (Ignore("nothing"), NOTHING, []),
        (Reply(Message("help")), NOTHING, []),
        (
            Reply(ApprovalNeeded(distrust(UNTRUSTED.pull), SHA, "main", "/ok-to-test")),
            NOTHING,
            [("run", "", Reason.NOT_TRUSTED)],
        ),
    ],
)
def test_what_events_leave(
    outcome: Outcome, decision: Decision, expected: list[tuple[str, str, Reason | None]]
) -> None:
    found = decisions.of_event(outcome, decision, COMMON)
    assert [(one.action, one.details, one.reason) for one in found] == expected


def test_what_ends_is_recorded_with_its_reason() -> None:
    revoked = Revocation(approval(), Reason.APPROVER_DEMOTED, "lin")
    request = StopRequest(Reason.SUPERSEDED, {"by": "cdcdcdcd"})
    ended = replace(NOTHING, revoke=(revoked,), stop=(3, 4), stop_request=request)
    revoke, stop = decisions.of_ending(ended, COMMON)
    assert (revoke.reason, revoke.facts) == (Reason.APPROVER_DEMOTED, {"approved_by": "lin"})
    assert (stop.reason, stop.runs, stop.facts) == (Reason.SUPERSEDED, (3, 4), {"by": "cdcdcdcd"})


def test_the_end_of_an_approval_names_the_run_that_removes_its_environments() -> None:
    ended = replace(NOTHING, revoke=(Revocation(approval(), Reason.APPROVAL_DELETED, "lin"),))
    removing = replace(run(0), plan=REMOVING.plan)
    [revoke] = decisions.of_ending(replace(ended, start=removing), COMMON)
    assert revoke.runs == (0,)
    [revoke] = decisions.of_ending(replace(ended, start=run(0)), COMMON)
    assert revoke.runs == ()


def test_what_an_automatic_run_leaves_out_is_refused() -> None:
    protected = Note("environment_protected", {"command": "/deploy production", "environment": "production"})
    started = replace(NOTHING, start=replace(run(0), notes=(Note("config_changed"), protected)))
    refused = replace(
        BY_LIN,
        action="run",
        details="deploy production",
        result=AuditResult.REFUSED,
        reason=Reason.NOT_ALLOWED,
        facts={"environment": "production"},
    )
    assert list(decisions.of_event(REMOVING, started, COMMON))[1:] == [refused]
    assert of("/ok-to-test", started, UNTRUSTED)[1:] == [refused]


def test_only_facts_that_nobody_typed_are_recorded() -> None:
    refuse = Refuse(Reason.ARGUMENT_INVALID, {"value": "typed", "command": "build"})
    [line] = parse("/build", COMMANDS)
    [record] = decisions.of_comment([(line, refuse)], NOTHING, COMMON)
    assert record.facts == {"command": "build"}


@pytest.mark.attack
@given(st.text(max_size=600), st.text(max_size=600), st.text(max_size=600))
def test_records_are_bounded_and_masked(details: str, login: str, fact: str) -> None:
    secret = "correct-horse"
    hostile = replace(
        COMMON, details=secret + details, sender=login + secret, facts={"who": fact + secret}, who=login
    )
    first, second = decisions.safe((hostile, COMMON), Masker([secret]).mask)
    assert (first.position, second.position) == (0, 1)
    assert max(len(first.details), len(first.sender), len(first.who)) <= MOST
    assert secret not in f"{first.details}{first.sender}{first.facts}"
    assert "\0" not in first.details + first.sender + first.who
    json.dumps(showing.fields(first)).encode()
    assert showing.line(first).isprintable()


def test_what_the_bot_does_by_itself() -> None:
    item = Item(ItemKind.NETWORK, "1", "net\n", REPO, 12, sha=SHA)
    removed = own_acts.item_removed(item, RunnerName.DOCKER, OPERATOR, NOW)
    assert removed == AuditRecord(
        NOW, REPO, 12, AuditCause.OPERATOR, "remove", who="root", sha=SHA, details="docker network net\n"
    )
    assert own_acts.tags_removed(REPO, 12, 3, AuditActor(), NOW).details == "3 registry tags"
    preview = environment()
    assert own_acts.expired(preview, run(0)).runs == (0,)
    assert own_acts.failed(preview, Reason.ENVIRONMENT_GONE, OPERATOR, NOW).action == "fail"
    assert own_acts.removed(preview, OPERATOR, NOW).details == "environment preview"
    assert own_acts.adopted(preview, OPERATOR, NOW).action == "adopt"


def test_a_line_for_people() -> None:
    record = replace(COMMON, action="deploy", details="prod\x1b[2J", result=AuditResult.REFUSED)
    refused = replace(record, reason=Reason.NOT_ALLOWED, runs=(7, 8))
    assert showing.line(refused).split() == [
        *("2026-03-01", "12:00:00", "lin", "team/shop!12", "abababab"),
        *("refused", "not_allowed", "run", "7,", "run", "8", "5e5e5e5e5e5e", "deploy", "prod\\x1b[2J"),
    ]
    assert showing.header().split()[0] == "TIME"


def test_a_line_for_what_nobody_is_known_for() -> None:
    unknown = replace(COMMON, who="", sha="", delivery="", sender="mei", cause=AuditCause.SWEEP)
    assert "(mei)" in showing.line(unknown)
    assert showing.line(replace(unknown, sender="")).split()[2] == "-"
    assert showing.line(unknown).endswith(" sweep")


@pytest.mark.attack
def test_typed_text_cannot_look_like_another_column() -> None:
    forged = "x  team/other!1  cdcdcdcd  accepted"
    suites = replace(COMMON, action="test", details=forged)
    claimed = replace(COMMON, who="", sender=forged, action="test")
    assert showing.line(suites).split()[2:6] == ["lin", "team/shop!12", "abababab", "accepted"]
    assert showing.line(claimed).split()[3:5] == ["team/shop!12", "abababab"]


def test_the_fields_for_programs_are_stable() -> None:
    refused = replace(COMMON, action="deploy", reason=Reason.NOT_ALLOWED, facts={"level": "admin"}, runs=(7,))
    assert showing.fields(refused) == {
        "at": "2026-03-01T12:00:00.000+00:00",
        "who": "lin",
        "sender": "LIN",
        "action": "deploy",
        "details": "",
        "repo": "team/shop",
        "number": 12,
        "commit": SHA,
        "result": "accepted",
        "reason": "not_allowed",
        "facts": {"level": "admin"},
        "runs": [7],
        "cause": "comment",
        "delivery": KEY,
        "position": 0,
    }
    assert showing.fields(COMMON)["reason"] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("30s", NOW - timedelta(seconds=30)),
        ("2026-02-01", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-02-01T10:00+08:00", datetime(2026, 2, 1, 10, tzinfo=timezone(timedelta(hours=8)))),
    ],
)
def test_times_that_people_type(text: str, expected: datetime) -> None:
    assert showing.moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "99999d"])
def test_text_that_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="neither a time"):
        showing.moment(text, NOW)
