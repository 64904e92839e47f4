"""The commands that start runs: /build, /deploy, /test and /retest."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.language.command import AnyCommand
from bot.model.outcome import Outcome, Refuse, StartRun
from bot.model.pipeline import Pipeline
from bot.model.plan import Build, Deploy, Plan, Suite, Test
from bot.model.reason import Reason
from bot.model.run import Run, RunState, StepRecord, StepResult, StepState
from bot.model.snapshot import Snapshot
from commands import build, deploy, reset, retest, test
from tests.fakes.snapshots import SHA, STAGED, SUITES, environment, run, snapshot

READY = snapshot(built=True, environments=(environment(),))
UNIT, E2E = Suite("unit", "pytest unit"), Suite("e2e", "pytest e2e")


def decided(command: AnyCommand, words: str, now: Snapshot) -> Outcome:
    return command.plan(command.bind(words.split()), now)


def steps(outcome: Outcome) -> tuple[Any, ...]:
    assert isinstance(outcome, StartRun)
    return outcome.plan.steps


@pytest.mark.parametrize("built", [True, False])
def test_build_builds_always(*, built: bool) -> None:
    assert steps(decided(build.command, "", snapshot(built=built))) == (
        Build(SHA, Pipeline().build, afresh=True),
    )


def test_deploy_builds_first_where_needed() -> None:
    assert [step.name for step in steps(decided(deploy.command, "", snapshot()))] == ["build", "deploy"]
    [step] = steps(decided(deploy.command, "", READY))
    assert (step.environment, step.ttl) == ("preview", 3 * 86_400)


@pytest.mark.parametrize(
    ("words", "name", "ttl"),
    [
        ("staging", "staging", timedelta(hours=8)),
        ("env=staging", "staging", timedelta(hours=8)),
        ("环境=staging 有效期=2小时", "staging", timedelta(hours=2)),
        ("ttl=2h30m", "preview", timedelta(minutes=150)),
        ("preview --ttl=1d", "preview", timedelta(days=1)),
        ("ttl=30d", "preview", timedelta(days=30)),
    ],
)
def test_deploy_takes_environment_and_lifetime(words: str, name: str, ttl: timedelta) -> None:
    [step] = steps(decided(deploy.command, words, snapshot(built=True, pipeline=STAGED)))

    assert isinstance(step, Deploy)
    assert (step.environment, timedelta(seconds=step.ttl)) == (name, ttl)


def test_deploy_refuses_an_unknown_environment() -> None:
    facts = {"name": "prod", "known": "preview, staging"}

    assert decided(deploy.command, "prod", snapshot(pipeline=STAGED)) == Refuse(
        Reason.UNKNOWN_ENVIRONMENT, facts
    )


@pytest.mark.parametrize("ttl", ["0m", "31d", "soon", "", "-1h"])
def test_deploy_refuses_an_odd_lifetime(ttl: str) -> None:
    with pytest.raises(Exception, match=str(Reason.ARGUMENT_INVALID)):
        deploy.command.bind((f"ttl={ttl}",))


def test_deploy_says_when_there_is_nothing_to_deploy() -> None:
    disabled = Pipeline(deploy=replace(Pipeline().deploy, enabled=False))

    assert decided(deploy.command, "", snapshot(pipeline=disabled)) == Refuse(
        Reason.STEP_DISABLED, {"step": "deploy"}
    )


def test_reset_deploys_again_without_the_data() -> None:
    [step] = steps(decided(reset.command, "", READY))
    assert (step.environment, step.renews_data) == ("preview", True)
    assert [one.name for one in steps(decided(reset.command, "", snapshot()))] == ["build", "deploy"]
    assert not steps(decided(deploy.command, "", READY))[0].renews_data


def test_reset_means_the_environment_that_is_named_or_was_deployed_last() -> None:
    now = snapshot(built=True, environments=(environment("staging"),), pipeline=STAGED)
    for words, name in (("", "staging"), ("env=preview", "preview"), ("环境=staging", "staging")):
        assert [step.environment for step in steps(decided(reset.command, words, now))] == [name]
    assert decided(reset.command, "prod", now) == Refuse(
        Reason.UNKNOWN_ENVIRONMENT, {"name": "prod", "known": "preview, staging"}
    )
    disabled = Pipeline(deploy=replace(Pipeline().deploy, enabled=False))
    assert decided(reset.command, "", snapshot(pipeline=disabled)) == Refuse(
        Reason.STEP_DISABLED, {"step": "deploy"}
    )
    assert reset.command.offered(Pipeline())
    assert not reset.command.offered(disabled)


@pytest.mark.parametrize(
    ("words", "suites"),
    [
        ("", (UNIT, E2E)),
        ("unit", (UNIT,)),
        ("e2e unit", (E2E, UNIT)),
        ("suite=e2e", (E2E,)),
        ("套件=e2e", (E2E,)),
    ],
)
def test_test_runs_the_suites_that_were_named(words: str, suites: tuple[Suite, ...]) -> None:
    now = replace(READY, pipeline=SUITES)

    assert steps(decided(test.command, words, now)) == (Test(SHA, SUITES.test, SUITES.build, suites),)


def test_test_refuses_an_unknown_suite() -> None:
    facts = {"name": "smoke", "known": "unit, e2e"}

    assert decided(test.command, "smoke", replace(READY, pipeline=SUITES)) == Refuse(
        Reason.UNKNOWN_SUITE, facts
    )


def after_testing(
    *suites: Suite, failed: tuple[str, ...] = (), names: tuple[str, ...] = (), number: int = 7
) -> Run:
    """Return a run whose tests of `suites` ended with these failures."""
    step = Test(SHA, SUITES.test, SUITES.build, suites)
    state = StepState.FAILED if failed else StepState.PASSED
    result = StepResult(state, failed_tests=names, failed_suites=failed)
    plan = Plan((Build(SHA, SUITES.build), step))
    records = (StepRecord("build", StepState.PASSED), StepRecord("test", state, result=result))
    return replace(run(number, plan=plan), steps=records, state=RunState.PASSED)


def after(*runs: Run) -> Snapshot:
    """Return the facts after these runs, newest first."""
    return replace(READY, pipeline=SUITES, runs={found.id: found for found in runs})


BEGUN = replace(after_testing(number=9), state=RunState.RUNNING)
STOPPED = replace(
    after_testing(number=8),
    steps=(StepRecord("build", StepState.FAILED), StepRecord("test", StepState.SKIPPED)),
)


@pytest.mark.parametrize(
    ("runs", "suites"),
    [
        ((), (UNIT, E2E)),
        ((run(),), (UNIT, E2E)),
        ((after_testing(E2E),), (E2E,)),
        ((BEGUN, STOPPED, after_testing(E2E), after_testing(UNIT, number=6)), (E2E,)),
        ((after_testing(UNIT, E2E),), (UNIT, E2E)),
        ((after_testing(Suite("unit", "old words", ("adds",))),), (UNIT,)),
        ((after_testing(Suite("gone")),), (UNIT, E2E)),
    ],
)
def test_retest_repeats_the_last_suites(runs: tuple[Run, ...], suites: tuple[Suite, ...]) -> None:
    assert steps(decided(retest.command, "", after(*runs))) == (Test(SHA, SUITES.test, SUITES.build, suites),)


def test_retest_at_a_new_commit_builds_and_deploys_it() -> None:
    now = snapshot(pipeline=SUITES, runs=(after_testing(UNIT),))

    assert [step.name for step in steps(decided(retest.command, "", now))] == ["build", "deploy", "test"]


@pytest.mark.parametrize("words", ["failed", "失败", "FAILED"])
def test_retest_failed_runs_only_failed_tests(words: str) -> None:
    last = after_testing(UNIT, E2E, failed=("unit",), names=("math::adds",))

    [step] = steps(decided(retest.command, words, after(last)))

    assert step.suites == (replace(UNIT, failed=("math::adds",)),)


def test_of_several_failed_suites_each_gets_all_the_names() -> None:
    last = after_testing(UNIT, E2E, failed=("unit", "e2e"), names=("math::adds", "shop::buys"))

    [step] = steps(decided(retest.command, "failed", after(last)))

    assert [suite.failed for suite in step.suites] == [("math::adds", "shop::buys")] * 2


@pytest.mark.parametrize(
    "runs", [(), (run(),), (after_testing(UNIT),), (after_testing(Suite("gone"), failed=("gone",)),)]
)
def test_retest_failed_says_when_nothing_failed(runs: tuple[Run, ...]) -> None:
    assert decided(retest.command, "failed", after(*runs)) == Refuse(Reason.NOTHING_FAILED)


@pytest.mark.parametrize("command", [test.command, retest.command])
@pytest.mark.parametrize(
    ("words", "name"), [("", "staging"), ("env=preview", "preview"), ("环境=staging", "staging")]
)
def test_tests_are_for_the_environment_named_or_deployed_last(
    command: AnyCommand, words: str, name: str
) -> None:
    now = snapshot(built=True, pipeline=STAGED, environments=(environment("staging"),))

    *before, step = steps(decided(command, words, now))

    assert step.environment == name
    assert [one.environment for one in before] == ([] if name == "staging" else ["preview"])


@pytest.mark.parametrize("command", [test.command, retest.command])
def test_tests_of_an_unknown_environment_are_refused(command: AnyCommand) -> None:
    facts = {"name": "prod", "known": "preview, staging"}

    refused = decided(command, "env=prod", replace(READY, pipeline=STAGED))

    assert refused == Refuse(Reason.UNKNOWN_ENVIRONMENT, facts)
