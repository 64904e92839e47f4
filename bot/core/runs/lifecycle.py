"""The state machine of a run: each transition is a function from one run to the next.

A transition that does not fit the run's state returns the run unchanged, because events can come late, twice
or after a restart, and must not produce an impossible state. A run that is over never changes.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model.reason import Reason, bounded
from bot.model.run import Run, RunState, StepRecord, StepResult, StepState, StopRequest

ATTEMPTS = 8
PATIENT_ATTEMPTS = 240
"""For what must not be lost, such as commands and comments: about four hours."""
MOST_INTERRUPTIONS = 20
"""Restarts of the bot during one step after which the run ends as broken."""
FIRST_DELAY = 2.0
LONGEST_DELAY = 60.0
LONGEST_ASKED = 3600.0
"""Longest delay, in seconds, that another system may ask for with `Retry-After`."""

_ENDS_A_RUN = {StepState.FAILED, StepState.BROKEN, StepState.CANCELLED}


def start(run: Run, now: datetime) -> Run:
    """Start a queued run. A resumed run keeps the time of its first start."""
    if run.state is not RunState.QUEUED:
        return run
    steps = run.steps or tuple(StepRecord(name) for name in run.plan.names)
    started = replace(run, state=RunState.RUNNING, steps=steps, started_at=run.started_at or now)
    return _ended_by_steps(started, now)


def next_step(run: Run) -> int | None:
    """Return the index of the step to start now, None if there is none."""
    states = [record.state for record in run.steps]
    stuck = run.state is not RunState.RUNNING or StepState.RUNNING in states or _ENDS_A_RUN & set(states)
    return states.index(StepState.WAITING) if StepState.WAITING in states and not stuck else None


def step_started(run: Run, index: int, now: datetime) -> Run:
    """Start the next step."""
    if next_step(run) != index:
        return run
    return _with_step(run, index, replace(run.steps[index], state=StepState.RUNNING, started_at=now))


def step_finished(run: Run, index: int, result: StepResult, now: datetime) -> Run:
    """Record the result of the running step. After a failure the remaining steps are skipped.

    After a cancelled step the run continues until `stopped` ends it with the reason. Raises ValueError if the
    result is not final.
    """
    if not result.state.final:
        raise ValueError(f"not the end of a step: {result.state}")
    if run.state is not RunState.RUNNING or not _is_running(run, index):
        return run
    result = replace(result, facts=bounded(result.facts))
    record = replace(
        run.steps[index], state=result.state, finished_at=now, result=result, waiting="", trouble=None
    )
    run = _with_step(run, index, record)
    if result.state is StepState.CANCELLED:
        return run
    if result.state in _ENDS_A_RUN:
        run = _without_rest(run, StepResult(StepState.SKIPPED, Reason.SKIPPED_AFTER_FAILURE))
    return _ended_by_steps(run, now)


def stopped(run: Run, now: datetime) -> Run:
    """End a run early, with the reason of its stop request; without a request it is cancelled."""
    if run.state.final:
        return run
    why = run.stop or StopRequest(Reason.CANCELLED)
    steps = run.steps or tuple(StepRecord(name) for name in run.plan.names)
    ended = replace(run, stop=why, steps=tuple(_interrupted(record, why, now) for record in steps))
    rest = StepResult(StepState.SKIPPED, why.reason, why.facts)
    return replace(_without_rest(ended, rest), state=_stop_state(ended), finished_at=now)


def resume(run: Run) -> Run:
    """Queue a run again that was interrupted by a restart; its interrupted step gets another attempt."""
    if run.state is not RunState.RUNNING:
        return run
    return replace(run, state=RunState.QUEUED, steps=tuple(map(_next_attempt, run.steps)))


def limit_interruptions(run: Run, now: datetime) -> Run:
    """End a run whose step was interrupted too often: the step may be what terminates the bot."""
    index = next((i for i, record in enumerate(run.steps) if record.attempt > MOST_INTERRUPTIONS), None)
    if index is None or run.state is not RunState.RUNNING or run.steps[index].state.final:
        return run
    result = StepResult(StepState.BROKEN, Reason.INTERRUPTED, {"times": str(run.steps[index].attempt)})
    run = _with_step(run, index, replace(run.steps[index], state=StepState.RUNNING, started_at=now))
    return step_finished(run, index, result, now)


def time_left(run: Run, longest: timedelta, now: datetime) -> float:
    """Return how many seconds are left to a run that may take `longest`; 0 or less means that none are.

    Time counts from the first start, interruptions included. If the clock was set back, the run has at most
    its full time again. A run that only removes has no limit: what it did not remove would stay forever.
    """
    if run.plan.removes_only:
        return math.inf
    spent = max(now - (run.started_at or now), timedelta())
    return (longest - spent).total_seconds()


def verdict(run: Run) -> RunState:
    """Return the state that follows from the steps.

    A stop request counts only if it stopped a step: a run that had finished its steps keeps their result.
    """
    states = {record.state for record in run.steps}
    if any(_was_stopped(run, record) for record in run.steps):
        return _stop_state(run)
    if states & _ENDS_A_RUN:
        return RunState.FAILED
    if all(state.final for state in states):
        return RunState.PASSED
    return run.state


def retry_delay(attempt: int, asked: float | None = None, *, attempts: int = ATTEMPTS) -> float | None:
    """Return how many seconds to wait after failed attempt number `attempt` (from 1); None means give up.

    `asked` is the delay that the other side asked for. The bot never waits less, and gives up if it is longer
    than an hour.
    """
    if attempt >= attempts:
        return None
    delay: float = min(FIRST_DELAY * 2 ** max(attempt - 1, 0), LONGEST_DELAY)
    if asked is not None and math.isfinite(asked):
        if asked > LONGEST_ASKED:
            return None
        delay = max(delay, asked)
    return delay


def _ended_by_steps(run: Run, now: datetime) -> Run:
    """End the run if its steps have ended it."""
    state = verdict(run)
    return replace(run, state=state, finished_at=now) if state.final else run


def _stop_state(run: Run) -> RunState:
    superseded = run.stop is not None and run.stop.reason is Reason.SUPERSEDED
    return RunState.SUPERSEDED if superseded else RunState.CANCELLED


def _was_stopped(run: Run, record: StepRecord) -> bool:
    if record.state is not StepState.SKIPPED or record.result is None or run.stop is None:
        return record.state is StepState.CANCELLED
    return record.result.reason is run.stop.reason


def _is_running(run: Run, index: int) -> bool:
    return 0 <= index < len(run.steps) and run.steps[index].state is StepState.RUNNING


def _with_step(run: Run, index: int, record: StepRecord) -> Run:
    return replace(run, steps=(*run.steps[:index], record, *run.steps[index + 1 :]))


def _without_rest(run: Run, result: StepResult) -> Run:
    skipped = (
        replace(record, state=StepState.SKIPPED, result=result)
        if record.state is StepState.WAITING
        else record
        for record in run.steps
    )
    return replace(run, steps=tuple(skipped))


def _interrupted(record: StepRecord, why: StopRequest, now: datetime) -> StepRecord:
    if record.state is StepState.RUNNING:
        result = StepResult(StepState.CANCELLED, why.reason, why.facts)
        cut = replace(record, waiting="", trouble=None)
        return replace(cut, state=StepState.CANCELLED, finished_at=now, result=result)
    if record.state is StepState.CANCELLED and record.result is not None:
        return replace(record, result=replace(record.result, reason=why.reason, facts=why.facts))
    return record


def _next_attempt(record: StepRecord) -> StepRecord:
    if record.state is not StepState.RUNNING:
        return record
    fresh = replace(record, waiting="", trouble=None)
    return replace(fresh, state=StepState.WAITING, started_at=None, attempt=record.attempt + 1)
