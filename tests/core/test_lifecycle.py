import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.runs import lifecycle
from bot.model.delivery import Trigger
from bot.model.forge import RepoPath
from bot.model.pipeline import BuildConfig, DeployConfig, TestConfig
from bot.model.plan import Build, Deploy, Plan, Step, Teardown, Test
from bot.model.reason import Reason
from bot.model.run import Origin, Run, RunState, StepRecord, StepResult, StepState, StopRequest, Trouble
from bot.model.text import Language

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
SHA = "1a2b3c4d" * 5
STEPS: tuple[Step, ...] = (
    Build(SHA, BuildConfig()),
    Deploy(SHA, DeployConfig(), {}),
    Test(SHA, TestConfig(), BuildConfig()),
)
PASSED = StepResult(StepState.PASSED)
FAILED = StepResult(StepState.FAILED, Reason.BUILD_FAILED)
BROKEN = StepResult(StepState.BROKEN, Reason.ENGINE_UNAVAILABLE)
CANCELLED = StepResult(StepState.CANCELLED)
SKIPPED = StepResult(StepState.SKIPPED, Reason.NO_TESTS)


def queued(*steps: Step, **changes: object) -> Run:
    run = Run(
        id=7,
        repo=RepoPath("acme", "shop"),
        number=12,
        sha=SHA,
        plan=Plan(steps or STEPS),
        origin=Origin(Trigger.OPEN, "lin"),
        language=Language.ZH,
        created_at=NOW,
    )
    return replace(run, **changes)  # type: ignore[arg-type]  # the test names fields of a run


def begun(*steps: Step) -> Run:
    return lifecycle.start(queued(*steps), NOW)


def after(run: Run, *results: StepResult) -> Run:
    for result in results:
        index = lifecycle.next_step(run)
        assert index is not None
        run = lifecycle.step_finished(lifecycle.step_started(run, index, NOW), index, result, LATER)
    return run


def stopping(run: Run, request: StopRequest) -> Run:
    """Return a run as loaded from the store after a requested stop."""
    return run if run.state.final or run.stop is not None else replace(run, stop=request)


def states(run: Run) -> list[StepState]:
    return [record.state for record in run.steps]


def reasons(run: Run) -> list[Reason | None]:
    return [record.result.reason if record.result else None for record in run.steps]


def test_a_run_begins_with_all_steps_waiting() -> None:
    run = begun()

    assert (run.state, run.started_at, run.finished_at) == (RunState.RUNNING, NOW, None)
    assert [record.name for record in run.steps] == ["build", "deploy", "test"]
    assert states(run) == [StepState.WAITING] * 3
    assert lifecycle.next_step(run) == 0


def test_steps_follow_one_another() -> None:
    run = lifecycle.step_started(begun(), 0, NOW)

    assert run.steps[0] == StepRecord("build", StepState.RUNNING, started_at=NOW)
    assert lifecycle.next_step(run) is None

    run = lifecycle.step_finished(run, 0, PASSED, LATER)

    assert run.steps[0].seconds == 60
    assert run.steps[0].result == PASSED
    assert lifecycle.next_step(run) == 1


@pytest.mark.parametrize("last", [PASSED, SKIPPED])
def test_a_run_passes_when_all_steps_have_ended(last: StepResult) -> None:
    run = after(begun(), PASSED, PASSED, last)

    assert (run.state, run.finished_at) == (RunState.PASSED, LATER)
    assert lifecycle.next_step(run) is None


@pytest.mark.parametrize("bad", [FAILED, BROKEN])
def test_a_failure_skips_what_follows(bad: StepResult) -> None:
    run = after(begun(), bad)

    assert run.state is RunState.FAILED
    assert states(run) == [bad.state, StepState.SKIPPED, StepState.SKIPPED]
    assert reasons(run) == [bad.reason, Reason.SKIPPED_AFTER_FAILURE, Reason.SKIPPED_AFTER_FAILURE]


def test_a_run_without_steps_ends_at_once() -> None:
    assert lifecycle.start(replace(queued(), plan=Plan(())), NOW).state is RunState.PASSED


@pytest.mark.parametrize("state", [StepState.WAITING, StepState.RUNNING])
def test_a_result_must_be_an_ending(state: StepState) -> None:
    with pytest.raises(ValueError, match="not the end"):
        lifecycle.step_finished(begun(), 0, StepResult(state), NOW)


@pytest.mark.parametrize(
    "event",
    [
        lambda run: lifecycle.start(run, LATER),
        lambda run: lifecycle.step_started(run, 1, LATER),
        lambda run: lifecycle.step_started(run, 0, LATER),
        lambda run: lifecycle.step_finished(run, 1, PASSED, LATER),
        lambda run: lifecycle.step_finished(run, -3, PASSED, LATER),
        lambda run: lifecycle.step_finished(run, 9, PASSED, LATER),
    ],
)
def test_invalid_transitions_change_nothing(event: Callable[[Run], Run]) -> None:
    run = lifecycle.step_started(begun(), 0, NOW)

    assert event(run) == run


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.SUPERSEDED, RunState.SUPERSEDED),
        (Reason.CLOSED, RunState.CANCELLED),
        (Reason.CANCELLED, RunState.CANCELLED),
    ],
)
def test_a_stopped_run_says_why(reason: Reason, state: RunState) -> None:
    request = StopRequest(reason, {"who": "mei"})
    running = lifecycle.step_started(after(begun(), PASSED), 1, NOW)
    run = lifecycle.stopped(stopping(running, request), LATER)

    assert (run.state, run.finished_at) == (state, LATER)
    assert states(run) == [StepState.PASSED, StepState.CANCELLED, StepState.SKIPPED]
    assert reasons(run) == [None, reason, reason]
    assert run.steps[1].finished_at == LATER
    assert run.steps[2].result is not None
    assert run.steps[2].result.facts == {"who": "mei"}


def test_a_cancelled_step_gets_the_reason_of_the_stopped_run() -> None:
    run = after(begun(), CANCELLED)

    assert (run.state, lifecycle.next_step(run)) == (RunState.RUNNING, None)

    run = lifecycle.stopped(stopping(run, StopRequest(Reason.SUPERSEDED, {"by": "8"})), LATER)

    assert run.state is RunState.SUPERSEDED
    assert reasons(run) == [Reason.SUPERSEDED] * 3


def test_a_run_can_be_stopped_before_it_begins() -> None:
    run = lifecycle.stopped(queued(stop=StopRequest(Reason.CLOSED)), LATER)

    assert (run.state, run.started_at) == (RunState.CANCELLED, None)
    assert states(run) == [StepState.SKIPPED] * 3


def test_without_a_request_a_stopped_run_is_cancelled() -> None:
    run = lifecycle.stopped(begun(), LATER)

    assert run.state is RunState.CANCELLED
    assert run.stop == StopRequest(Reason.CANCELLED)


def test_a_request_that_came_too_late_does_not_change_the_verdict() -> None:
    run = stopping(after(begun(), PASSED, PASSED), StopRequest(Reason.CANCELLED))

    assert after(run, PASSED).state is RunState.PASSED
    assert after(run, FAILED).state is RunState.FAILED


def test_after_a_crash_the_interrupted_step_is_tried_once_more() -> None:
    run = lifecycle.resume(lifecycle.step_started(after(begun(), PASSED), 1, NOW))

    assert run.state is RunState.QUEUED
    assert run.steps[0].attempt == 0
    assert run.steps[1] == StepRecord("deploy", attempt=1)

    run = lifecycle.start(run, LATER)

    assert run.started_at == NOW
    assert lifecycle.next_step(run) == 1


def test_after_a_crash_a_cancelled_run_ends_as_cancelled() -> None:
    assert lifecycle.start(lifecycle.resume(after(begun(), CANCELLED)), LATER).state is RunState.CANCELLED


@pytest.mark.parametrize("run", [queued(), after(begun(), FAILED)])
def test_only_running_runs_are_resumed(run: Run) -> None:
    assert lifecycle.resume(run) == run


def test_retry_delays_grow_to_a_limit_and_end() -> None:
    delays = [lifecycle.retry_delay(attempt) for attempt in range(1, 9)]

    assert delays == [2, 4, 8, 16, 32, 60, 60, None]
    assert lifecycle.retry_delay(10_000) is None
    assert lifecycle.retry_delay(239, attempts=lifecycle.PATIENT_ATTEMPTS) == 60
    assert lifecycle.retry_delay(240, attempts=lifecycle.PATIENT_ATTEMPTS) is None


@pytest.mark.parametrize(
    ("asked", "delay"),
    [(30, 30), (1, 2), (-5, 2), (float("nan"), 2), (float("inf"), 2), (3600, 3600), (3601, None)],
)
def test_a_requested_delay_is_respected(asked: float, delay: float | None) -> None:
    assert lifecycle.retry_delay(1, asked) == delay


HOUR = timedelta(hours=1)


def test_a_finished_step_shows_no_waiting_reason() -> None:
    waiting = StepRecord(
        "build",
        StepState.RUNNING,
        NOW,
        waiting="an executor",
        trouble=Trouble(Reason.ENGINE_UNAVAILABLE, {"message": "refused"}, 8),
        handle="7",
        link="https://jenkins.example.com/job/7/",
    )
    run = replace(begun(), steps=(waiting, *begun().steps[1:]))

    for ended in (
        lifecycle.step_finished(run, 0, PASSED, LATER),
        lifecycle.stopped(run, LATER),
        lifecycle.resume(run),
    ):
        assert (ended.steps[0].waiting, ended.steps[0].trouble) == ("", None)
        assert (ended.steps[0].handle, ended.steps[0].link) == (waiting.handle, waiting.link)


def interrupted(run: Run, times: int) -> Run:
    """Return a run whose step was running at each of several crashes."""
    for _ in range(times):
        index = lifecycle.next_step(run)
        assert index is not None
        run = lifecycle.start(lifecycle.resume(lifecycle.step_started(run, index, NOW)), LATER)
    return run


def test_a_step_that_is_interrupted_too_often_ends_its_run() -> None:
    patient = interrupted(begun(), lifecycle.MOST_INTERRUPTIONS)

    assert lifecycle.limit_interruptions(patient, LATER) == patient

    run = lifecycle.limit_interruptions(interrupted(patient, 1), LATER)

    assert (run.state, run.finished_at) == (RunState.FAILED, LATER)
    assert states(run) == [StepState.BROKEN, StepState.SKIPPED, StepState.SKIPPED]
    assert reasons(run)[0] is Reason.INTERRUPTED
    assert run.steps[0].result is not None
    assert run.steps[0].result.facts == {"times": "21"}
    assert lifecycle.limit_interruptions(run, LATER) == run


def test_interruptions_of_a_finished_step_do_not_end_the_run() -> None:
    run = after(interrupted(begun(), 30), PASSED)

    assert lifecycle.limit_interruptions(run, LATER) == run


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (NOW, 7200),
        (NOW + HOUR, 3600),
        (NOW + 2 * HOUR, 0),
        (NOW + 3 * HOUR, -3600),
        (NOW - 5 * HOUR, 7200),
    ],
    ids=["all at first", "less later", "none at the end", "nor after", "no more by a clock set back"],
)
def test_the_time_of_a_run_counts_from_its_first_start(now: datetime, left: float) -> None:
    assert lifecycle.time_left(begun(), 2 * HOUR, now) == left
    again = lifecycle.start(lifecycle.resume(lifecycle.step_started(begun(), 0, NOW)), NOW + HOUR)
    assert lifecycle.time_left(again, 2 * HOUR, now) == left


def test_a_run_that_has_not_started_has_its_full_time() -> None:
    assert lifecycle.time_left(queued(), HOUR, LATER) == 3600


def test_a_teardown_has_no_time_limit() -> None:
    assert lifecycle.time_left(begun(Teardown()), HOUR, NOW + 9 * HOUR) == math.inf


results = st.sampled_from([PASSED, FAILED, BROKEN, CANCELLED, SKIPPED])
indices = st.integers(-1, 3)
moments = st.integers(0, 100).map(lambda minutes: NOW + timedelta(minutes=minutes))
requests = st.sampled_from([Reason.CANCELLED, Reason.SUPERSEDED, Reason.CLOSED]).map(StopRequest)
Event = Callable[[Run], Run]
events: st.SearchStrategy[Event] = st.one_of(
    moments.map(lambda now: lambda run: lifecycle.start(run, now)),
    st.builds(lambda index, now: lambda run: lifecycle.step_started(run, index, now), indices, moments),
    st.builds(
        lambda index, result, now: lambda run: lifecycle.step_finished(run, index, result, now),
        indices,
        results,
        moments,
    ),
    requests.map(lambda request: lambda run: stopping(run, request)),
    moments.map(lambda now: lambda run: lifecycle.stopped(run, now)),
    st.just(lifecycle.resume),
)


def assert_possible(run: Run) -> None:
    found = states(run)
    assert found.count(StepState.RUNNING) <= (run.state is RunState.RUNNING)
    assert (run.finished_at is not None) is run.state.final
    assert not run.state.final or all(state.final for state in found)
    first_open = next((index for index, state in enumerate(found) if not state.final), len(found))
    assert set(found[first_open + 1 :]) <= {StepState.WAITING}
    for index, state in enumerate(found):
        if state in {StepState.FAILED, StepState.BROKEN}:
            assert set(found[index + 1 :]) <= {StepState.SKIPPED}
            assert run.state is RunState.FAILED
    assert run.state is not RunState.PASSED or set(found) <= {StepState.PASSED, StepState.SKIPPED}
    if run.state.final:
        assert lifecycle.verdict(run) is run.state
        assert lifecycle.next_step(run) is None


@given(st.lists(events, max_size=25))
def test_no_order_of_events_leads_to_an_invalid_state(happened: list[Event]) -> None:
    run = queued()
    for event in happened:
        before, run = run, event(run)
        assert_possible(run)
        if before.state.final:
            assert run == before


@given(st.lists(results, min_size=3, max_size=3))
def test_every_run_ends(ends: list[StepResult]) -> None:
    run = begun()
    for result in ends:
        if lifecycle.next_step(run) is not None:
            run = after(run, result)

    assert lifecycle.stopped(run, LATER).state.final


@pytest.mark.attack
def test_facts_of_a_result_are_cut() -> None:
    result = StepResult(StepState.FAILED, Reason.TARGET_UNKNOWN, {"target": "x" * 5_000, "known": "a"})

    run = after(begun(), result)

    assert run.steps[0].result is not None
    assert run.steps[0].result.facts == {"target": "x" * 1_999 + "…", "known": "a"}
