"""The queue and the executors. The scheduler advances with each request and at the end of each build."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from playground.jenkins.state import Build, Job, QueueItem, Stop
from playground.jenkins.stories import BuildHandle, CredentialNotFoundError, Sleep

logger = logging.getLogger(__name__)

LEFT_ITEM_SECONDS = 300.0
"""How long an item is kept after it left the queue; five minutes, as in Jenkins."""
_FINALS = {"stop": "Aborted", "term": "Terminated", "kill": "Hard kill!"}


class Scheduler:
    """Turns queue items into builds."""

    def __init__(self, executors: int, now: Callable[[], float] | None, sleep: Sleep | None) -> None:
        self.jobs: dict[str, Job] = {}
        self.items: dict[int, QueueItem] = {}
        self.executors = executors
        self.quieting_down = False
        self.now = now or time.time
        self._sleep = sleep or asyncio.sleep
        self._next_id = 1
        self._ended: list[asyncio.Task[None]] = []

    def schedule(self, job: Job, parameters: dict[str, str], user: str) -> tuple[QueueItem, bool]:
        """Queue a build. Return its item, which identical requests share, and whether the item is new."""
        for item in self.items.values():
            if item.waiting and item.job is job and item.parameters == parameters:
                return item, False
        now = self.now()
        item = QueueItem(self._next_id, job, parameters, user, now, now + job.quiet)
        self.items[item.id] = item
        self._next_id += 1
        return item, True

    def advance(self) -> None:
        """Start builds that can start, and remove items that left the queue long ago."""
        now = self.now()
        for item in list(self.items.values()):
            if item.waiting and self.why(item) is None:
                self._begin(item)
            elif item.left_at is not None and now - item.left_at > LEFT_ITEM_SECONDS:
                del self.items[item.id]

    def why(self, item: QueueItem) -> str | None:
        """Return why an item waits; None if it can start."""
        if self.quieting_down:
            return "Jenkins is about to shut down"
        left = item.quiet_until - self.now()
        if left > 0:
            return f"In the quiet period. Expires in {left:.1f} sec"
        if item.job.running and not item.job.concurrent:
            return f"Build #{item.job.running[0].number} is already in progress (ETA: N/A)"
        if len(self.running) >= self.executors:
            return "Waiting for next available executor"
        return None

    @property
    def running(self) -> list[Build]:
        """All running builds."""
        return [build for job in self.jobs.values() for build in job.running]

    def cancel(self, item: QueueItem) -> None:
        """Remove an item from the queue."""
        item.cancelled, item.left_at = True, self.now()

    def stop(self, build: Build, how: Stop) -> None:
        """Request that a build stops. A job may ignore some of the ways."""
        if not build.building:
            return
        build.stops.append(how)
        build.console.write(f"{_FINALS[how]}\n")
        if how not in build.job.ignores:
            self._abort(build, "ABORTED")

    def lose(self, builds: Iterable[Build]) -> None:
        """Remove builds without a trace."""
        for build in builds:
            self._abort(build, "ABORTED")
            del build.job.builds[build.number]

    async def close(self) -> None:
        """Abort all builds."""
        for build in self.running:
            self._abort(build, "ABORTED")
        await asyncio.gather(*self._ended, return_exceptions=True)

    def _begin(self, item: QueueItem) -> None:
        job, now = item.job, self.now()
        build = Build(job, job.next_number, item.id, item.parameters, item.user, now)
        job.next_number += 1
        job.builds[build.number] = build
        item.build, item.left_at = build, now
        build.console.write(f"Started by user {item.user}\n")
        build.task = asyncio.create_task(self._play(build), name=f"{job.name} #{build.number}")
        for old in sorted(job.builds)[: -job.kept_builds]:
            if not job.builds[old].building:
                del job.builds[old]

    async def _play(self, build: Build) -> None:
        result = "FAILURE"
        with suppress(asyncio.CancelledError):
            try:
                result = await build.job.story(BuildHandle(build, self._sleep))
            except CredentialNotFoundError as error:
                build.console.write(f"ERROR: {error}\n")
            except Exception:
                logger.exception("a story raised an exception")
                build.console.write("java.lang.IllegalStateException: the story raised an exception\n")
        self._finish(build, result)
        self.advance()

    def _abort(self, build: Build, result: str) -> None:
        if build.task is not None:
            self._ended.append(build.task)
            build.task.cancel()
        self._finish(build, result)

    def _finish(self, build: Build, result: str) -> None:
        if build.building:
            build.building, build.result = False, result
            build.duration = self.now() - build.started_at
            build.console.write(f"Finished: {result}\n")
            build.console.complete = True
