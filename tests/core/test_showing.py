from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.results.showing import (
    announcement,
    environment_line,
    next_commands,
    run_view,
    without_logs,
    without_output,
)
from bot.model.addresses import Addresses
from bot.model.delivery import Trigger
from bot.model.environment import Environment, EnvironmentState, Outage
from bot.model.forge import RepoPath
from bot.model.pipeline import BuildConfig, DeployConfig, TestConfig
from bot.model.plan import Build, Deploy, Plan, Step, Suite, Teardown, Test
from bot.model.queue import QueuePosition
from bot.model.reason import Reason
from bot.model.run import Origin, Run, RunState, StepRecord, StepResult, StepState, StopRequest
from bot.model.text import Language
from tests.fakes.snapshots import NOW, environment

SHA = "ab" * 20
STEPS: dict[str, Step] = {
    "build": Build(SHA, BuildConfig()),
    "deploy": Deploy(SHA, DeployConfig(), {}),
    "staging": Deploy(SHA, DeployConfig(), {}, "staging"),
    "test": Test(SHA, TestConfig(), BuildConfig()),
    "suites": Test(SHA, TestConfig(), BuildConfig(), (Suite("unit", "make test"),)),
    "teardown": Teardown(),
}
NOWHERE = Addresses("", "test.example.com")


def run(plan: str, state: RunState, ended: tuple[StepState, ...] = (), reason: Reason | None = None) -> Run:
    names = plan.split()
    base = Run(
        7,
        RepoPath("team", "shop"),
        12,
        SHA,
        Plan(tuple(STEPS[name] for name in names)),
        Origin(Trigger.OPEN, "lin"),
        Language.EN,
        datetime(2026, 3, 1, tzinfo=UTC),
    )
    records = tuple(
        StepRecord(step.name, how, result=StepResult(how, reason))
        for step, how in zip(base.plan.steps, ended, strict=False)
    )
    return replace(base, state=state, steps=records)


OK, BAD, BROKEN, NONE = StepState.PASSED, StepState.FAILED, StepState.BROKEN, StepState.SKIPPED


@pytest.mark.parametrize(
    ("given", "commands"),
    [
        (run("build", RunState.QUEUED), ("/cancel 7",)),
        (run("build", RunState.RUNNING), ("/cancel 7",)),
        (run("build", RunState.PASSED, (OK,)), ("/deploy", "/test")),
        (run("build deploy", RunState.PASSED, (OK, OK)), ("/test", "/teardown")),
        (run("build deploy test", RunState.PASSED, (OK, OK, OK)), ("/retest", "/teardown")),
        (run("build deploy test", RunState.PASSED, (OK, OK, NONE), Reason.NO_TESTS), ("/teardown",)),
        (run("deploy test", RunState.PASSED, (OK, NONE), Reason.NOTHING_TESTED), ("/teardown",)),
        (run("deploy test", RunState.PASSED, (OK, NONE), Reason.NO_TEST_RAN), ("/retest", "/teardown")),
        (run("test", RunState.PASSED, (NONE,), Reason.NO_TESTS), ()),
        (run("test", RunState.PASSED, (OK,)), ("/retest",)),
        (run("teardown", RunState.PASSED, (OK,)), ()),
        (run("build", RunState.FAILED, (BAD,)), ("/build",)),
        (run("build deploy", RunState.FAILED, (BAD,)), ("/build", "/deploy")),
        (run("build staging", RunState.FAILED, (BROKEN,)), ("/build", "/deploy staging")),
        (run("build deploy", RunState.FAILED, (OK, BAD)), ("/deploy",)),
        (run("build staging", RunState.FAILED, (OK, BROKEN)), ("/deploy staging",)),
        (run("build deploy test", RunState.FAILED, (BAD,)), ("/build", "/deploy")),
        (run("build deploy test", RunState.FAILED, (OK, BAD)), ("/deploy",)),
        (run("build test", RunState.FAILED, (BAD,)), ("/build", "/test")),
        (run("build deploy suites", RunState.FAILED, (BAD,)), ("/build", "/test")),
        (run("build deploy suites", RunState.FAILED, (OK, BAD)), ("/deploy", "/test")),
        (run("teardown", RunState.FAILED, (BROKEN,)), ("/teardown",)),
        (run("test", RunState.FAILED, (BAD,), Reason.TESTS_FAILED), ("/retest failed", "/retest")),
        (run("test", RunState.FAILED, (BAD,), Reason.NO_REPORT), ("/retest",)),
        (run("build test", RunState.FAILED, (OK, BROKEN)), ("/retest",)),
        (run("build", RunState.FAILED), ()),
        (run("build", RunState.CANCELLED), ("/build",)),
        (run("build deploy test", RunState.CANCELLED), ("/test",)),
        (run("build staging", RunState.CANCELLED), ("/deploy staging",)),
        (replace(run("build", RunState.CANCELLED), stop=StopRequest(Reason.CLOSED)), ()),
        (run("build", RunState.SUPERSEDED), ()),
    ],
)
def test_the_next_command_fits_the_ending(given: Run, commands: tuple[str, ...]) -> None:
    assert next_commands(given) == commands


def test_a_queue_position_is_shown() -> None:
    assert run_view(
        run("build", RunState.QUEUED), NOWHERE, author="mei", position=QueuePosition(3)
    ).position == QueuePosition(3)


def test_a_brief_comment_omits_only_what_programs_wrote() -> None:
    failed = run("build deploy", RunState.FAILED, (BAD,))
    facts = {"code": "1"}
    quoted = {**facts, "cause": "cc: not found"}
    said = {"unit::a": "1 != 2"}
    result = StepResult(BAD, Reason.BUILD_FAILED, quoted, "cc: not found", failure_messages=said)
    loud = replace(failed, steps=(replace(failed.steps[0], result=result), StepRecord("deploy")))
    silent = StepResult(BAD, Reason.BUILD_FAILED, facts)
    quiet = replace(failed, steps=(replace(failed.steps[0], result=silent), StepRecord("deploy")))
    assert without_logs(loud) == quiet


@pytest.mark.parametrize(
    ("given", "first", "kind"),
    [
        (run("build", RunState.FAILED, (BAD,)), True, "failed"),
        (run("build deploy", RunState.PASSED, (OK, OK)), True, "ready"),
        (run("build deploy", RunState.PASSED, (OK, OK)), False, None),
        (run("build", RunState.PASSED, (OK,)), True, None),
        (run("build deploy", RunState.CANCELLED, (OK, OK)), True, None),
    ],
)
def test_a_person_is_mentioned_only_when_action_is_needed(given: Run, first: bool, kind: str | None) -> None:  # noqa: FBT001 - a table's column
    said = announcement(given, NOWHERE, recipient="mei", first_preview=first)
    assert (said.kind if said else None) == kind


@pytest.mark.parametrize(
    ("name", "left", "extend"),
    [
        ("preview", timedelta(hours=1), "/extend 1d"),
        ("staging", timedelta(hours=1), "/extend 1d staging"),
        ("preview", timedelta(days=1), ""),
    ],
)
def test_an_environment_near_its_expiry_shows_the_extend_command(
    name: str, left: timedelta, extend: str
) -> None:
    one = environment(name)
    line = environment_line(one, NOWHERE, one.expires_at - left, timedelta(hours=12))
    assert (line.name, line.expires_at, line.extend) == (name, NOW + timedelta(days=3), extend)
    assert line.url == f"http://pr-12-shop-{name}.test.example.com/"


def test_an_environment_shows_the_url_that_its_deployer_reported() -> None:
    reported = replace(environment(), url="https://elsewhere.example.com/")
    assert environment_line(reported, NOWHERE, NOW, timedelta(0)).url == "https://elsewhere.example.com/"


def test_a_run_whose_environment_works_no_more_says_what_to_do() -> None:
    deployed = run("build staging", RunState.PASSED, (OK, OK))
    outage = Outage(Reason.CONTAINER_STOPPED, NOW, part="app", log="bye")
    failing = replace(environment("staging"), run=7, state=EnvironmentState.FAILING, outage=outage)
    gone = replace(failing, state=EnvironmentState.FAILED)
    others = (environment("staging"), replace(failing, run=8))

    def commands(*environments: Environment) -> tuple[str, ...]:
        view = run_view(deployed, NOWHERE, author="lin", environments=environments)
        assert view.broken == (environments[-1] if environments[-1] not in others else None)
        return view.next_commands

    assert commands(*others, failing) == ("/deploy staging", "/teardown")
    assert commands(gone) == ("/deploy staging",)
    assert commands(*others) == ("/test", "/teardown")
    assert environment_line(failing, NOWHERE, NOW, timedelta()).deploy == "/deploy staging"
    assert environment_line(environment(), NOWHERE, NOW, timedelta()).deploy == ""
    said = replace(outage, facts={**outage.facts, "cause": "KeyError: 'A'"})
    assert without_output(replace(failing, outage=said)) == replace(failing, outage=replace(outage, log=""))
    assert without_output(others[0]) is others[0]
