"""Decisions on comments, from the text to the outcomes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.admission.permissions import Entry, Policy, Rule
from bot.core.deciding.decide import each, is_named, merged
from bot.core.language.command import Command, NoArguments, PermissionLevel
from bot.core.language.parsing import parse
from bot.model.delivery import Trigger
from bot.model.environment import EnvironmentState, Extension
from bot.model.forge import Permission, PullState
from bot.model.outcome import Approve, Extend, Ignore, Outcome, Reply, Revoke, StartRun, StopRuns, Wake
from bot.model.pipeline import Automatic, PathFilter, Pipeline
from bot.model.plan import Deploy, Teardown, Test
from bot.model.reason import Reason
from bot.model.snapshot import Fact, Snapshot
from bot.model.text import Text
from bot.model.views import Message, Refusal, RefusalLine
from tests.fakes.snapshots import (
    COMMANDS,
    NOW,
    OLD,
    SHA,
    STAGED,
    approval,
    decide,
    environment,
    only,
    pull_request,
    run,
    snapshot,
)

HOURS = timedelta(hours=1)
NOTHING = (Ignore("nothing in it is for this bot"),)
UNTRUSTED = snapshot(trusted=False, pull=pull_request(fork=True, author="stranger"))


def said(template: str, **facts: object) -> Reply:
    return Reply(Message(template, {"actor": "lin", **facts}))


APPROVED = said("approved", author="stranger", sha=SHA, base="main")


def names(outcomes: tuple[Outcome, ...]) -> tuple[str, ...]:
    """Return the names of the steps of the only started run."""
    [plan] = [outcome.plan for outcome in outcomes if isinstance(outcome, StartRun)]
    return plan.names


def refusals(outcomes: tuple[Outcome, ...]) -> list[tuple[str, Reason]]:
    found = [outcome.view for outcome in outcomes if isinstance(outcome, Reply)]
    return [(line.command, line.reason) for view in found if isinstance(view, Refusal) for line in view.lines]


@pytest.mark.parametrize("body", ["", "hello", "/lgtm", "> /build", "`/build`"])
def test_commands_of_other_bots_are_ignored(body: str) -> None:
    assert decide(body) == NOTHING


@pytest.mark.parametrize(
    ("body", "steps"),
    [
        ("/build", ("build",)),
        ("/deploy", ("build", "deploy")),
        ("/test", ("build", "deploy", "test")),
        ("/build\n/deploy\n/test", ("build", "deploy", "test")),
        ("/test\n/deploy\n/build", ("build", "deploy", "test")),
        ("/构建\n/部署\n/测试", ("build", "deploy", "test")),
        ("/build\n/build", ("build",)),
        ("/deploy\n/teardown", ("build", "deploy", "teardown")),
    ],
)
def test_the_commands_of_one_comment_become_one_run(body: str, steps: tuple[str, ...]) -> None:
    assert names(decide(body)) == steps


def test_a_deploy_after_a_teardown_in_one_comment_deploys_again() -> None:
    ready = snapshot(built=True, environments=(environment(),))

    assert names(decide("/test", ready)) == ("test",)
    assert names(decide("/teardown\n/test", ready)) == ("teardown", "deploy", "test")


def test_a_test_after_a_deploy_in_one_comment_tests_that_deployment() -> None:
    [started] = decide("/deploy staging\n/test", snapshot(built=True, pipeline=STAGED))

    assert isinstance(started, StartRun)
    deploy, test = started.plan.steps
    assert isinstance(deploy, Deploy)
    assert isinstance(test, Test)
    assert deploy.environment == test.environment == "staging"


def test_refusals_are_one_reply_and_do_not_stop_other_commands() -> None:
    outcomes = decide("/deploy nowhere\n/build\n/test nothing\n/deploy ttl=x")

    assert refusals(outcomes) == [
        ("/deploy nowhere", Reason.UNKNOWN_ENVIRONMENT),
        ("/test nothing", Reason.UNKNOWN_SUITE),
        ("/deploy ttl=x", Reason.ARGUMENT_INVALID),
    ]
    assert names(outcomes) == ("build",)
    assert len(outcomes) == 2


def test_the_same_refusal_is_reported_once() -> None:
    line = RefusalLine("/teardown", Reason.NOTHING_TO_TEAR_DOWN)

    assert decide("/teardown\n/teardown") == (Reply(Refusal("lin", (line,))),)


def test_each_question_is_answered_once() -> None:
    [status, help_] = [
        outcome.view for outcome in decide("/status\n/help\n/status") if isinstance(outcome, Reply)
    ]

    assert isinstance(status, Message)
    assert isinstance(help_, Message)
    assert (status.template, help_.template) == ("status", "help")


def test_near_misses_get_one_hint() -> None:
    hint = said("hint", typed="/biuld", suggestion="/build")

    assert decide("/biuld\n/depoly") == decide("/biuld\n/biuld") == (hint,)
    assert len(decide("/biuld\n/build")) == 2


def test_extensions_in_one_comment_add_up_and_get_one_reply() -> None:
    soon = replace(environment(), expires_at=NOW + HOURS)
    extended = (Extension("preview", NOW + 4 * HOURS),)

    assert decide("/extend 1h\n/extend 2h", snapshot(environments=(soon,))) == (
        Extend(extended),
        said("extended", environments=extended, longest="3d"),
    )


def test_a_second_wake_is_refused() -> None:
    asleep = environment(state=EnvironmentState.ASLEEP)

    woken, reply, refused = decide("/wake\n/唤醒", snapshot(environments=(asleep,)))

    assert (woken, reply) == (Wake(("preview",)), said("waking", environments=("preview",)))
    assert refusals((refused,)) == [("/唤醒", Reason.NOT_ASLEEP)]


def test_a_stop_is_requested_once_and_confirmed() -> None:
    facts = snapshot(active=(run(7), run(8)))

    assert decide("/cancel 8\n/cancel", facts) == (StopRuns((8, 7)), said("stopping", runs=(8, 7)))


def test_a_cancelled_run_is_stopped_before_the_next_run_starts() -> None:
    outcomes = decide("/cancel\n/build", snapshot(active=(run(7),)))

    assert [type(outcome) for outcome in outcomes] == [StopRuns, Reply, StartRun]


def test_a_second_cancel_replies_that_nothing_is_running() -> None:
    assert refusals(decide("/cancel\n/cancel", snapshot(active=(run(7),)))) == [
        ("/cancel", Reason.NOTHING_TO_CANCEL)
    ]


@pytest.mark.parametrize(
    "read", [len, list, lambda facts: facts["preview"], lambda facts: "preview" in facts]
)
def test_an_undeclared_fact_cannot_be_read(
    read: Callable[[Mapping[str, object]], object],
) -> None:
    facts = only(snapshot(), [Fact.RUNS])

    assert not facts.runs
    for undeclared in (facts.images, facts.environments, facts.logs, facts.commands):
        with pytest.raises(RuntimeError, match="does not declare"):
            read(undeclared)


# --- trust -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("body", ["/build", "/deploy", "/test", "/retest", "/retest failed"])
def test_untrusted_code_runs_for_no_person(body: str, permission: Permission) -> None:
    [outcome] = decide(body, UNTRUSTED, permission=permission)

    assert isinstance(outcome, Reply)
    assert isinstance(outcome.view, Refusal)


@pytest.mark.parametrize(
    ("body", "actor", "permission", "reason"),
    [
        ("/build", "stranger", Permission.READ, Reason.NOT_TRUSTED),
        ("/build", "lin", Permission.ADMIN, Reason.NOT_TRUSTED),
        ("/build", "nosy", Permission.READ, Reason.NOT_ALLOWED),
        ("/deploy", "stranger", Permission.READ, Reason.NOT_ALLOWED),
        ("/ok-to-test", "stranger", Permission.READ, Reason.NOT_ALLOWED),
        ("/cancel", "stranger", Permission.READ, Reason.NOT_TRUSTED),
        ("/deploy ttl=x", "nosy", Permission.NONE, Reason.NOT_ALLOWED),
    ],
)
def test_each_refusal_has_its_reason(body: str, actor: str, permission: Permission, reason: Reason) -> None:
    outcomes = decide(body, replace(UNTRUSTED, actor=actor), permission=permission)

    assert refusals(outcomes) == [(body, reason)]


@pytest.mark.parametrize("body", ["/help", "/status"])
def test_questions_are_answered_to_everyone(body: str) -> None:
    [outcome] = decide(body, replace(UNTRUSTED, actor="nosy"), permission=Permission.NONE)

    assert isinstance(outcome, Reply)
    assert not isinstance(outcome.view, Refusal)


def test_the_author_of_a_trusted_pull_request_may_build_but_not_deploy() -> None:
    outcomes = decide(
        "/build\n/deploy", snapshot(actor="mei", pull=pull_request(fork=True)), permission=Permission.READ
    )

    assert names(outcomes) == ("build",)
    assert refusals(outcomes) == [("/deploy", Reason.NOT_ALLOWED)]


@pytest.mark.parametrize("body", ["/ok-to-test", "/允许测试", f"/ok-to-test {SHA}"])
def test_an_approval_starts_the_automatic_run_of_opening(body: str) -> None:
    approve, reply, started = decide(body, UNTRUSTED)

    assert approve == Approve(SHA)
    assert reply == APPROVED
    assert names((started,)) == ("build", "deploy", "test")


def test_an_approval_ignores_path_filters() -> None:
    pipeline = Pipeline(paths=PathFilter(include=("nothing",)))

    assert names(decide("/ok-to-test", replace(UNTRUSTED, pipeline=pipeline))) == ("build", "deploy", "test")


def test_an_approval_without_automatic_commands_only_replies() -> None:
    quiet = replace(UNTRUSTED, pipeline=Pipeline(on=Automatic(open=())))

    assert decide("/ok-to-test", quiet) == (Approve(SHA), APPROVED)
    assert names(decide("/ok-to-test\n/build", quiet)) == ("build",)
    assert refusals(decide("/build\n/ok-to-test", quiet)) == [("/build", Reason.NOT_TRUSTED)]


def test_a_second_approval_is_refused() -> None:
    outcomes = decide("/ok-to-test\n/ok-to-test", UNTRUSTED)

    assert [outcome for outcome in outcomes if isinstance(outcome, Approve)] == [Approve(SHA)]
    assert refusals(outcomes) == [("/ok-to-test", Reason.ALREADY_TRUSTED)]


APPROVALS = (approval(OLD), approval())


@pytest.mark.parametrize("seen", [SHA, OLD, None])
@pytest.mark.parametrize("state", PullState)
def test_an_approval_can_always_be_revoked(state: PullState, seen: str | None) -> None:
    pull = pull_request(fork=True, author="stranger", state=state)
    approved = snapshot(pull=pull, trusted=state is PullState.OPEN)

    assert decide("/ok-to-test revoke", replace(approved, approvals=APPROVALS), seen=seen) == (
        Revoke(APPROVALS),
    )


@pytest.mark.parametrize("actor", ["stranger", "nosy"])
def test_only_people_with_write_access_revoke(actor: str) -> None:
    outcomes = decide(
        "/ok-to-test revoke", replace(UNTRUSTED, actor=actor, approvals=APPROVALS), permission=Permission.READ
    )

    assert refusals(outcomes) == [("/ok-to-test revoke", Reason.NOT_ALLOWED)]


def test_nothing_runs_after_a_revocation_in_the_same_comment() -> None:
    approved = replace(UNTRUSTED, trusted=True, approvals=APPROVALS)

    for body in ("/ok-to-test revoke\n/build", "/build\n/ok-to-test revoke"):
        outcomes = decide(body, approved)
        assert outcomes[0] == Revoke(APPROVALS)
        assert not [one for one in outcomes if isinstance(one, StartRun)]
    assert decide(f"/ok-to-test {SHA}\n/ok-to-test revoke", UNTRUSTED) == (Revoke(()),)
    deployed = replace(approved, environments={"preview": environment()})
    assert [type(one) for one in decide("/teardown\n/ok-to-test revoke", deployed)] == [Revoke, StartRun]


def test_a_revoked_commit_can_be_approved_again_in_the_same_comment() -> None:
    approved = replace(UNTRUSTED, trusted=True, approvals=APPROVALS)

    outcomes = decide(f"/ok-to-test revoke\n/ok-to-test {SHA}", approved)

    assert outcomes[:2] == (Revoke(APPROVALS), Approve(SHA))
    assert names(outcomes) == ("build", "deploy", "test")


@pytest.mark.parametrize("body", ["/build", "/deploy", "/test", "/ok-to-test", f"/ok-to-test {SHA}"])
def test_a_moved_head_is_reported(body: str) -> None:
    facts = UNTRUSTED if "ok" in body else snapshot()

    [outcome] = decide(body, facts, seen=OLD)

    line = RefusalLine(body, Reason.HEAD_MOVED, {"seen": OLD, "now": SHA})
    assert outcome == Reply(Refusal("lin", (line,)))


def test_an_approval_must_name_a_commit_that_was_not_announced() -> None:
    unannounced = replace(UNTRUSTED, announced=False)
    line = RefusalLine("/ok-to-test", Reason.COMMIT_NOT_NAMED, {"approve": f"/ok-to-test {SHA}"})

    assert decide("/ok-to-test", unannounced, seen=None) == (Reply(Refusal("lin", (line,))),)
    assert decide(f"/ok-to-test {SHA}", unannounced, seen=None)[0] == Approve(SHA)
    assert names(decide("/build", snapshot(), seen=None)) == ("build",)


@pytest.mark.parametrize("state", [PullState.CLOSED, PullState.MERGED])
def test_a_closed_pull_request_accepts_only_commands_that_run_no_code(state: PullState) -> None:
    facts = snapshot(pull=pull_request(state=state), environments=(environment(),))
    bodies = ("/build", "/deploy", "/test", "/retest", "/ok-to-test")

    assert refusals(decide("\n".join(bodies), facts)) == [(body, Reason.PULL_CLOSED) for body in bodies]
    [started] = decide("/teardown", facts)
    assert isinstance(started, StartRun)
    assert started.plan.steps == (Teardown(everything=True),)


def test_the_operators_policy_changes_levels() -> None:
    author = snapshot(actor="mei")

    assert names(
        decide("/deploy", author, permission=Permission.READ, policy={"deploy": PermissionLevel.CONTRIBUTOR})
    )
    outcomes = decide("/build", snapshot(), policy={"build": PermissionLevel.ADMIN})
    assert refusals(outcomes) == [("/build", Reason.NOT_ALLOWED)]
    assert refusals(decide("/status", snapshot(), policy={"status": PermissionLevel.ADMIN})) == [
        ("/status", Reason.NOT_ALLOWED)
    ]


def test_approving_another_commit_approves_nothing() -> None:
    def plan(_: NoArguments, __: Snapshot) -> Outcome:
        return Approve(OLD)

    odd = Command(
        name="odd",
        summary=Text("", ""),
        permission=PermissionLevel.WRITE,
        args=NoArguments,
        plan=plan,
        runs_code=True,
        approves=True,
    )
    known = (odd, *COMMANDS)
    decided = each(
        parse("/odd\n/build", known),
        UNTRUSTED,
        permission=Permission.WRITE,
        seen=SHA,
        commands=known,
        policy=Policy(),
    )
    outcomes = merged(decided, UNTRUSTED)

    assert not any(isinstance(outcome, StartRun) for outcome in outcomes)


def test_an_approval_does_not_repeat_a_running_run() -> None:
    busy = replace(UNTRUSTED, active=(run(trigger=Trigger.OPEN),))

    assert [type(outcome) for outcome in decide("/ok-to-test", busy)] == [Approve, Reply]


@pytest.mark.parametrize(
    ("rule", "named"),
    [(Rule(PermissionLevel.WRITE), False), (Rule(people=("Lin",)), True), (Rule(people=("mei",)), False)],
)
def test_whether_a_person_is_named_by_the_rule_for_a_command(rule: Rule, *, named: bool) -> None:
    policy = Policy((Entry("deploy", rule),))
    for body, expected in (("/deploy", named), ("/depoly", False), ("/help", False)):
        assert is_named(parse(body, COMMANDS), snapshot(), Permission.READ, policy) is expected
