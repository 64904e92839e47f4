"""How a run moves from queued to over: every transition is a function from one run to the next.

A transition that does not fit the run's state returns the run unchanged: events come late, twice or
after a restart, and none of that may leave an impossible state. A run that is over never changes.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta

from bot.model.plan import Teardown
from bot.model.reason import Reason
from bot.model.run import Run, RunState, StepRecord, StepResult, StepState, StopRequest

ATTEMPTS = 8
PATIENT_ATTEMPTS = 240
"""For words that must not be lost, a person's as well as the bot's: about four hours."""
MOST_INTERRUPTIONS = 20
FIRST_DELAY = 2.0
LONGEST_DELAY = 60.0
LONGEST_ASKED = 3600.0

_ENDS_A_RUN = {StepState.FAILED, StepState.BROKEN, StepState.CANCELLED}


def begin(run: Run, now: datetime) -> Run:
    """Start a run that waits; one taken up again keeps its first start."""
    if run.state is not RunState.QUEUED:
        return run
    steps = run.steps or tuple(StepRecord(name) for name in run.plan.names)
    begun = replace(run, state=RunState.RUNNING, steps=steps, started_at=run.started_at or now)
    return _settled(begun, now)


def next_step(run: Run) -> int | None:
    """Return the index of the step to start now; None when there is nothing to start."""
    states = [record.state for record in run.steps]
    stuck = run.state is not RunState.RUNNING or StepState.RUNNING in states or _ENDS_A_RUN & set(states)
    return states.index(StepState.WAITING) if StepState.WAITING in states and not stuck else None


def step_started(run: Run, index: int, now: datetime) -> Run:
    """Start the step that is next."""
    if next_step(run) != index:
        return run
    return _with_step(run, index, replace(run.steps[index], state=StepState.RUNNING, started_at=now))


def step_finished(run: Run, index: int, result: StepResult, now: datetime) -> Run:
    """Keep the result of the running step; after a failure the others are skipped.

    A cancelled step leaves the run to `stopped`, which knows why. Raises ValueError for a result
    that is not final.
    """
    if not result.state.final:
        raise ValueError(f"not the end of a step: {result.state}")
    if run.state is not RunState.RUNNING or not _is_running(run, index):
        return run
    record = replace(
        run.steps[index], state=result.state, finished_at=now, result=result, waiting="", trouble=None
    )
    run = _with_step(run, index, record)
    if result.state is StepState.CANCELLED:
        return run
    if result.state in _ENDS_A_RUN:
        run = _without_rest(run, StepResult(StepState.SKIPPED, Reason.SKIPPED_AFTER_FAILURE))
    return _settled(run, now)


def request_stop(run: Run, request: StopRequest) -> Run:
    """Flag a run to be stopped; the first reason wins."""
    return run if run.state.final or run.stop is not None else replace(run, stop=request)


def stopped(run: Run, now: datetime) -> Run:
    """End a run where it stands; without a request it counts as cancelled."""
    if run.state.final:
        return run
    why = run.stop or StopRequest(Reason.CANCELLED)
    steps = run.steps or tuple(StepRecord(name) for name in run.plan.names)
    ended = replace(run, stop=why, steps=tuple(_interrupted(record, why, now) for record in steps))
    rest = StepResult(StepState.SKIPPED, why.reason, why.facts)
    return replace(_without_rest(ended, rest), state=_stop_state(ended), finished_at=now)


def resume(run: Run) -> Run:
    """Put a run that a crash interrupted back in line; its interrupted step is tried once more."""
    if run.state is not RunState.RUNNING:
        return run
    return replace(run, state=RunState.QUEUED, steps=tuple(map(_again, run.steps)))


def worn_out(run: Run, now: datetime) -> Run:
    """End a run whose step was interrupted again and again: it may well be what ends the bot each time."""
    index = next((i for i, record in enumerate(run.steps) if record.attempt > MOST_INTERRUPTIONS), None)
    if index is None or run.state is not RunState.RUNNING or run.steps[index].state.final:
        return run
    result = StepResult(StepState.BROKEN, Reason.INTERRUPTED, {"times": str(run.steps[index].attempt)})
    run = _with_step(run, index, replace(run.steps[index], state=StepState.RUNNING, started_at=now))
    return step_finished(run, index, result, now)


def time_left(run: Run, longest: timedelta, now: datetime) -> float:
    """Return how many seconds are left to a run that may take `longest`; none when not above 0.

    Its time counts from its first beginning, whatever interrupted it; a clock that was set back gives no
    more than the whole of it. What removes something is never out of time: it would stay for good.
    """
    if run.plan.removes_only:
        return math.inf
    spent = max(now - (run.started_at or now), timedelta())
    return (longest - spent).total_seconds()


def verdict(run: Run) -> RunState:
    """Return the state that follows from the steps.

    A stop request counts only where it stopped something: what was finished by then keeps its verdict.
    """
    states = {record.state for record in run.steps}
    if any(_was_stopped(run, record) for record in run.steps):
        return _stop_state(run)
    if states & _ENDS_A_RUN:
        return RunState.FAILED
    if all(state.final for state in states):
        return RunState.PASSED
    return run.state


def supersedes(new: Run, old: Run) -> bool:
    """Tell whether `new` makes `old` pointless: the same pull request has moved on to another commit.

    A run that removes something is never superseded: it is about what exists, not about a commit.
    """
    same_pull = str(new.repo).lower() == str(old.repo).lower() and new.number == old.number
    removes = any(isinstance(step, Teardown) for step in old.plan.steps)
    return same_pull and new.id > old.id and new.sha != old.sha and not removes and not old.state.final


def retry_delay(attempt: int, asked: float | None = None, *, attempts: int = ATTEMPTS) -> float | None:
    """Return how many seconds to wait after failed attempt number `attempt` (from 1); None means give up.

    `asked` is what the other side wished for; waiting less than that would be useless, so a wish of
    more than an hour means give up.
    """
    if attempt >= attempts:
        return None
    delay: float = min(FIRST_DELAY * 2 ** max(attempt - 1, 0), LONGEST_DELAY)
    if asked is not None and math.isfinite(asked):
        if asked > LONGEST_ASKED:
            return None
        delay = max(delay, asked)
    return delay


def _settled(run: Run, now: datetime) -> Run:
    """Return the run as over if its steps say so."""
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


def _again(record: StepRecord) -> StepRecord:
    if record.state is not StepState.RUNNING:
        return record
    fresh = replace(record, waiting="", trouble=None)
    return replace(fresh, state=StepState.WAITING, started_at=None, attempt=record.attempt + 1)
