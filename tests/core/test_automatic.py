from dataclasses import replace
from typing import Any

import pytest

from bot.core.admission.permissions import Entry, Policy, Rule
from bot.core.deciding.automatic import ENDING, STARTING, configured, left_out, plan_for
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.model.delivery import Trigger
from bot.model.forge import PullState
from bot.model.observed import Skip
from bot.model.outcome import Ignore, Outcome, Reply, StartRun
from bot.model.pipeline import Automatic, Pipeline
from bot.model.plan import Plan, Teardown
from bot.model.reason import Reason
from bot.model.run import Note, StopRequest
from bot.model.snapshot import Snapshot
from bot.model.views import ApprovalNeeded
from tests.fakes.snapshots import (
    COMMANDS,
    OLD,
    SHA,
    STAGED,
    distrust,
    environment,
    pull_request,
    run,
    snapshot,
)

OVER = pull_request(state=PullState.CLOSED)
STEPLESS = Ignore("no configured command has anything to do")
ALL = Plan((Teardown(everything=True),))


def decided(
    trigger: Trigger,
    facts: Snapshot | None = None,
    skip: Skip | None = None,
    commands: tuple[AnyCommand, ...] = COMMANDS,
    policy: Policy | None = None,
) -> Outcome:
    return plan_for(trigger, facts or snapshot(), skip, commands, policy or Policy())


def names(outcome: Outcome) -> tuple[str, ...]:
    assert isinstance(outcome, StartRun)
    return outcome.plan.names


def on(**lines: Any) -> Pipeline:
    return Pipeline(on=replace(Automatic(), **lines))


@pytest.mark.parametrize("trigger", [Trigger.OPEN, Trigger.REOPEN, Trigger.UPDATE])
def test_by_default_everything_is_built_deployed_and_tested(trigger: Trigger) -> None:
    assert names(decided(trigger)) == ("build", "deploy", "test")


@pytest.mark.parametrize(
    ("trigger", "lines"),
    [
        (Trigger.OPEN, ("build",)),
        (Trigger.REOPEN, ("build",)),
        (Trigger.UPDATE, ("test",)),
        (Trigger.CLOSE, ("teardown",)),
        (Trigger.MERGE, ("teardown",)),
        (Trigger.COMMENT, ()),
    ],
)
def test_each_event_runs_its_configured_commands(trigger: Trigger, lines: tuple[str, ...]) -> None:
    assert configured(Automatic(("build",), ("test",), ("teardown",)), trigger) == lines


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("build",), ("build",)),
        (("test", "build"), ("build", "deploy", "test")),
        (("构建",), ("build",)),
        (("/build",), ("build",)),
        (("deploy ttl=8h",), ("build", "deploy")),
        (("teardown", "build"), ("build",)),
        (("build", "help", "status", "cancel", "retest", "ok-to-test", "lgtm"), ("build",)),
    ],
)
def test_configured_commands_become_one_plan(lines: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert names(decided(Trigger.OPEN, snapshot(pipeline=on(open=lines)))) == expected


def test_each_command_is_planned_on_the_result_of_the_previous_ones() -> None:
    ready = snapshot(built=True, environments=(environment(),), pipeline=on(open=("teardown", "test")))

    assert names(decided(Trigger.OPEN, ready)) == ("teardown", "deploy", "test")


@pytest.mark.parametrize(
    "lines", [("help",), ("nonsense",), ("deploy ttl=never",), ("deploy nowhere",), ("teardown",)]
)
def test_commands_that_do_not_apply_are_skipped(lines: tuple[str, ...]) -> None:
    assert decided(Trigger.OPEN, snapshot(pipeline=on(open=lines))) == STEPLESS


def test_a_repository_without_a_service_is_built_and_tested() -> None:
    pipeline = Pipeline()
    pipeline = replace(pipeline, deploy=replace(pipeline.deploy, enabled=False))

    assert names(decided(Trigger.OPEN, snapshot(pipeline=pipeline))) == ("build", "test")


@pytest.mark.parametrize("trigger", Trigger)
def test_without_configured_commands_nothing_runs(trigger: Trigger) -> None:
    facts = snapshot(pipeline=on(open=(), update=(), close=()))

    assert decided(trigger, facts) == Ignore(f"nothing is configured to run on {trigger}")


@pytest.mark.parametrize("skip", Skip)
@pytest.mark.parametrize("trusted", [True, False])
def test_what_is_skipped_starts_nothing(skip: Skip, *, trusted: bool) -> None:
    outcome = decided(Trigger.UPDATE, snapshot(trusted=trusted), skip)

    assert isinstance(outcome, Ignore)
    assert outcome.skip is skip


@pytest.mark.parametrize("skip", Skip)
def test_nothing_prevents_a_teardown(skip: Skip) -> None:
    facts = snapshot(pull=OVER, environments=(environment(),))

    assert decided(Trigger.CLOSE, facts, skip) == StartRun(ALL)


STRANGERS = pull_request(fork=True, author="stranger")
REQUEST = ApprovalNeeded(
    distrust(STRANGERS),
    SHA,
    "main",
    f"/ok-to-test {SHA}",
    f"https://gitee.example.com/team/shop/compare/{OLD}...{SHA}",
)


@pytest.mark.parametrize("trigger", sorted(STARTING))
def test_an_untrusted_pull_request_waits_for_approval(trigger: Trigger) -> None:
    assert decided(trigger, snapshot(trusted=False, pull=STRANGERS)) == Reply(REQUEST)


@pytest.mark.parametrize(
    ("active", "starts"),
    [
        (run(), False),
        (run(trigger=Trigger.REOPEN), False),
        (run(sha=OLD), True),
        (run(trigger=Trigger.COMMENT), True),
        (run(trigger=Trigger.CLOSE), True),
        (replace(run(), stop=StopRequest(Reason.CLOSED)), True),
    ],
)
def test_a_repeated_event_starts_one_run(active: object, *, starts: bool) -> None:
    outcome = decided(Trigger.OPEN, snapshot(active=(active,)))  # type: ignore[arg-type]

    assert isinstance(outcome, StartRun if starts else Ignore)


@pytest.mark.parametrize("trigger", sorted(ENDING))
@pytest.mark.parametrize(
    "facts",
    [
        snapshot(pull=OVER, environments=(environment(),)),
        snapshot(pull=OVER, built=True),
        snapshot(pull=OVER, active=(run(),)),
        snapshot(pull=OVER, environments=(environment(),), trusted=False),
    ],
    ids=["environment", "image", "run", "untrusted"],
)
def test_closing_removes_all_environments(trigger: Trigger, facts: Snapshot) -> None:
    assert decided(trigger, facts) == StartRun(ALL)


def test_closing_a_pull_request_without_resources_starts_nothing() -> None:
    assert decided(Trigger.MERGE, snapshot(pull=OVER)) == STEPLESS


def test_a_second_close_during_the_teardown_starts_nothing() -> None:
    active = run(plan=ALL, trigger=Trigger.CLOSE)

    assert decided(Trigger.MERGE, snapshot(pull=OVER, built=True, active=(active,))) == Ignore(
        "a run of such an event is active"
    )


def test_closing_runs_no_code() -> None:
    facts = snapshot(pull=OVER, built=True, pipeline=on(close=("build", "test", "teardown")))

    assert decided(Trigger.CLOSE, facts) == StartRun(ALL)


def test_closing_may_remove_a_single_environment() -> None:
    facts = snapshot(pull=OVER, environments=(environment(),), pipeline=on(close=("teardown preview",)))

    assert decided(Trigger.CLOSE, facts) == StartRun(Plan((Teardown("preview"),)))


def test_configured_commands_in_protected_environments_are_named() -> None:
    protected = Policy((Entry("deploy", Rule(PermissionLevel.ADMIN), environment="staging"),))
    facts = snapshot(pipeline=replace(STAGED, on=replace(Automatic(), open=("build", "deploy staging"))))

    assert left_out(Trigger.OPEN, facts, COMMANDS, protected) == (
        Note("environment_protected", {"command": "/deploy staging", "environment": "staging"}),
    )
    assert left_out(Trigger.OPEN, facts, COMMANDS, Policy()) == ()
