"""Loops poll at once when the store notifies, seldom while it would, and often when it cannot."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

import pytest

from bot.engine import poll_loop
from bot.engine.poll_loop import PollLoop, RunningTasks
from bot.engine.replicas.notifications import Notifications
from bot.model.errors import RetryLater
from bot.model.queue import Queue
from bot.model.reason import Reason
from tests.real.parts import PATIENCE

LOST = RetryLater(Reason.STORE_UNAVAILABLE, {"message": "no answer"})
NEVER = PATIENCE * 10


@dataclass
class Told:
    """Notifies of these changes, then of nothing any more."""

    changes: deque[frozenset[Queue] | Exception]
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def changed(self) -> frozenset[Queue]:
        if not self.changes:
            self.over.set()
            await asyncio.Event().wait()
        change = self.changes.popleft()
        if isinstance(change, Exception):
            raise change
        return change


@dataclass
class Loop(PollLoop):
    """Counts how often it was woken."""

    what: str = "queue"
    wakes: int = 0

    def wake(self) -> None:
        self.wakes += 1


@dataclass
class Polls:
    """Two loops, and how long they were not told of anything."""

    runs: Loop = field(default_factory=Loop)
    deliveries: Loop = field(default_factory=Loop)
    slept: list[float] = field(default_factory=list)

    async def after(self, *changes: frozenset[Queue] | Exception) -> tuple[int, int]:
        """Return how often these changes wake each loop."""
        before = self.runs.wakes, self.deliveries.wakes
        told = Told(deque(changes))
        loops = {Queue.RUNS: self.runs, Queue.DELIVERIES: self.deliveries}
        serving = asyncio.create_task(Notifications(told, loops, self._sleep).serve())
        await told.over.wait()
        serving.cancel()
        return self.runs.wakes - before[0], self.deliveries.wakes - before[1]

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_each_loop_is_woken_by_its_queue() -> None:
    polls = Polls()
    assert await polls.after(frozenset(Queue)) == (1, 1)
    assert await polls.after(frozenset()) == (0, 0)
    assert await polls.after(frozenset({Queue.RUNS})) == (1, 0)
    assert await polls.after(frozenset({Queue.DELIVERIES})) == (0, 1)


@pytest.mark.parametrize("error", [LOST, KeyError("a bug")])
async def test_lost_notifications_are_polled_for_until_they_come_again(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    polls = Polls()
    await polls.after(error)
    assert (polls.runs.notified, polls.slept) == (False, [poll_loop.POLL_SECONDS])
    assert not caplog.records, "a store that is unavailable is reported by those who need it"
    await polls.after(frozenset(Queue))
    assert polls.runs.notified
    await polls.after(error, error)
    assert (polls.runs.notified, polls.deliveries.notified) == (False, False)
    assert len(caplog.records) == 1
    assert await polls.after(frozenset(Queue)) == (1, 1)


@pytest.mark.parametrize(
    ("notified", "busy", "often"),
    [(False, False, True), (True, False, False), (True, True, True)],
    ids=["nobody notifies", "idle", "a run may have to stop"],
)
async def test_only_an_idle_loop_that_is_notified_polls_seldom(
    monkeypatch: pytest.MonkeyPatch, *, notified: bool, busy: bool, often: bool
) -> None:
    monkeypatch.setattr(poll_loop, "POLL_SECONDS", 0 if often else NEVER)
    monkeypatch.setattr(poll_loop, "IDLE_POLL_SECONDS", NEVER if often else 0)
    loop, tasks, again = PollLoop("queue", notified=notified), RunningTasks[int](), asyncio.Event()
    if busy:
        tasks.start(1, asyncio.sleep(NEVER), "a run")
    polls = 0

    async def poll() -> None:
        nonlocal polls
        polls += 1
        if polls > 1:
            again.set()

    running = asyncio.create_task(loop.run(poll, tasks))
    async with asyncio.timeout(PATIENCE):
        await again.wait()
    running.cancel()
    await tasks.cancel()
