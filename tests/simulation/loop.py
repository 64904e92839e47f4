"""An event loop with virtual time: it never waits, and a seed decides the order of what is ready.

Each callback belongs to the process in whose context it was scheduled, or to the world outside of all of
them. The callbacks of a paused process are kept until it goes on, as if it had been stopped by SIGSTOP.
"""

import asyncio
import hashlib
import heapq
import itertools
import random
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

WAKING_SECONDS = 0.4
"""Seconds within which a process that goes on has done all that has become due."""
PROCESS: ContextVar["Process | None"] = ContextVar("PROCESS", default=None)


class Stuck(Exception):  # noqa: N818 - what happened
    """Nothing is left that could happen: every task that waits would wait for ever."""


class Process:
    """A simulated operating system process: it runs, is paused, or has been killed."""

    def __init__(self, name: str, loop: "VirtualLoop") -> None:
        self.name = name
        self.dead = False
        self.paused = False
        self.wakes: list[float] = []
        """When it went on after each pause."""
        self.clock_offset = 0.0
        """Seconds by which its wall clock is wrong."""
        self._loop = loop
        self._parked: list[asyncio.Handle] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._context = Context()
        self._context.run(PROCESS.set, self)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine in this process."""
        return self._loop.create_task(work, context=self._context)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Count a task as this process's, so that it ends with it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def park(self, handle: asyncio.Handle) -> None:
        """Keep a callback until the process goes on."""
        self._parked.append(handle)

    def pause(self) -> None:
        """Stop at once, wherever it is."""
        self.paused = not self.dead

    def resume(self) -> None:
        """Go on; what has become due happens late, and one after the other."""
        if self.paused:
            self.paused = False
            self.wakes.append(self._loop.time())
            parked, self._parked = self._parked, []
            for handle in parked:
                self._loop.ready_after(0.0 if self.dead else WAKING_SECONDS, handle)

    def kill(self) -> None:
        """End without a trace: what it still does while it unwinds cannot have any effect."""
        self.dead = True
        for task in sorted(self._tasks, key=hash):
            task.cancel()
        self.resume()


class NumberedTask(asyncio.Task[Any]):
    """A task that has the same hash in each process, so that sets of tasks have the same order."""

    _numbers = itertools.count()

    def __init__(self, work: Coroutine[Any, Any, Any], number: int, **options: Any) -> None:
        self._number = number
        super().__init__(work, **options)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop without sockets, threads or a clock."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance
        self._virtual = 0.0
        self._numbers = itertools.count()
        self.steps = 0
        self.times = hashlib.sha256()
        """Of all instants at which something happened."""
        self.problems: list[str] = []
        """Exceptions that nobody handled."""
        self.set_task_factory(self._new_task)
        self.set_exception_handler(self._unhandled)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Return the virtual time, in seconds."""
        return self._virtual

    def outside(self, delay: float, happens: Callable[[], object]) -> asyncio.TimerHandle:
        """Let something happen outside of all processes."""
        return self.call_later(delay, happens, context=Context())

    def ready_after(self, most: float, handle: asyncio.Handle) -> None:
        """Schedule a callback that was kept, after at most so many seconds."""
        if not most:
            self._ready.append(handle)  # type: ignore[attr-defined] # of BaseEventLoop
        else:
            self.outside(self._chance.uniform(0, most), lambda: self.ready_after(0.0, handle))

    def _new_task(
        self, _loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None
    ) -> asyncio.Task[Any]:
        options = {} if context is None else {"context": context}
        task = NumberedTask(work, next(self._numbers), loop=self, **options)
        process = PROCESS.get() if context is None else context.get(PROCESS)
        if process is not None:
            process.adopt(task)
        return task

    def _unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.problems.append(f"{context['message']}: {error!r}")

    def _run_once(self) -> None:
        """Run what is ready, in an order that the seed decides; if nothing is, go on to the next timer."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        if not self._ready:  # type: ignore[attr-defined]
            while scheduled and scheduled[0].cancelled():
                heapq.heappop(scheduled)
            if not scheduled:
                raise Stuck
            self._virtual = max(self._virtual, scheduled[0].when())
        while scheduled and scheduled[0].when() <= self._virtual:
            self._ready.append(heapq.heappop(scheduled))  # type: ignore[attr-defined]
        self.times.update(f"{self._virtual} {len(self._ready)}".encode())  # type: ignore[attr-defined]
        handles = list(self._ready)  # type: ignore[attr-defined]
        self._ready.clear()  # type: ignore[attr-defined]
        if len(handles) > 1:
            self._chance.shuffle(handles)
        for handle in handles:
            self._run(handle)

    def _run(self, handle: Any) -> None:
        if handle._cancelled:
            return
        process = handle._context.get(PROCESS)
        if process is not None and process.paused:
            process.park(handle)
            return
        self.steps += 1
        handle._run()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: cancelled timers are skipped when they are due."""

    def _process_events(self, event_list: object) -> None:
        """Do nothing: there are no sockets."""

    def _write_to_self(self) -> None:
        """Do nothing: nothing comes from other threads."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Refuse: a thread would not be deterministic."""
        raise AssertionError(f"a thread was asked for: {func}")
