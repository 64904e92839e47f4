"""Follows one job from the queue to its end, through restarts of Jenkins and of the bot.

A queue item becomes a build; a build runs and ends. The location is reported with every change, so that a
restarted bot resumes there.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from bot.model.errors import GiveUp, RetryLater, TellUser
from bot.model.reason import Reason
from bot.ports import Clock, JobOrder, Log, ReportProgress
from bot.runners.jenkins import paths, responses
from bot.runners.jenkins.build_finder import BuildFinder
from bot.runners.jenkins.build_location import BuildLocation
from bot.runners.jenkins.build_location import read as read_handle
from bot.runners.jenkins.build_log import BuildLog
from bot.runners.jenkins.client import JenkinsClient

T = TypeVar("T")

REPORT_OFFSET_EVERY = timedelta(seconds=15)
"""How often the offset in the log is reported."""
POLLS_WITHOUT_RESULT = 10
"""How often a stopped build is polled for its result, which a crash of Jenkins may have lost."""
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)? ?(?:sec|ms|min)\w*")


@dataclass(frozen=True, slots=True)
class JenkinsTimeouts:
    """Seconds between polls, in Jenkins' queue, and while Jenkins does not answer."""

    poll: float = 2.0
    queue: int = 3600
    outage: int = 900


class OverdueError(Exception):
    """The job exceeded a timeout and must be stopped; `error` is the error to raise then."""

    def __init__(self, error: TellUser) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(slots=True)
class BuildFollower:
    """Follows the job of one order."""

    client: JenkinsClient
    order: JobOrder
    log: Log
    report_progress: ReportProgress
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    timeouts: JenkinsTimeouts
    url: str
    """Address of Jenkins in people's browsers."""
    location: BuildLocation | None = None
    _reported: tuple[str, str] = ("", "")
    _reported_at: datetime | None = None
    _finder: BuildFinder = field(init=False)

    def __post_init__(self) -> None:
        self._finder = BuildFinder(self.client, self.order)

    async def follow(self) -> responses.JenkinsBuild:
        """Return the build once it has ended. Raises OverdueError, and the errors of `ports.Jobs.run`."""
        self.location = await self.retrying(self._finder.find_or_start)
        if read_handle(self.order.handle, self.order.key) is not None:
            self.log.note("the bot was restarted; resuming the job in Jenkins")
        if self.location.build is None:
            await self._follow_queue_item(self.location.item or 0)
        return await self._follow_build()

    @property
    def link(self) -> str:
        """URL of the build, or of its job while it is queued."""
        name, location = self.order.name, self.location
        path = (
            paths.job(name)
            if location is None or location.build is None
            else paths.build(name, location.build)
        )
        return f"{self.url}{path}/"

    async def _follow_queue_item(self, item: int) -> None:
        began = self.clock.now()
        await self._report("")
        while True:
            found = await self.retrying(lambda: self._item(item))
            if found.cancelled:
                raise TellUser(Reason.JENKINS_ABORTED, {"job": self.order.name, "number": ""})
            if found.build is not None:
                self.location = BuildLocation(item, found.build)
                return
            await self._report(found.why)
            waited = (self.clock.now() - began).total_seconds()
            if waited > self.timeouts.queue:
                facts = {"job": self.order.name, "seconds": str(self.timeouts.queue), "why": found.why}
                raise OverdueError(TellUser(Reason.JENKINS_QUEUED_TOO_LONG, facts))
            await self.sleep(self.timeouts.poll)

    async def _item(self, item: int) -> responses.QueueItem:
        data = await self.client.json(f"/queue/item/{item}", responses.ITEM_TREE)
        if data is not None:
            return responses.item(data)
        # Jenkins forgets items five minutes after they leave the queue, and when it restarts.
        found = await self._finder.find()
        if found is None:
            raise GiveUp(Reason.JENKINS_LOST, {"job": self.order.name})
        return responses.QueueItem(found.item or item, build=found.build)

    async def _follow_build(self) -> responses.JenkinsBuild:
        location = self._location()
        output = BuildLog(self.client, self.order.name, location.build or 0, self.log, location.offset)
        self.log.note(f"build #{location.build}: {self.link}")
        await self._report("")
        polls_without_result = 0
        while True:
            build, now = await self.retrying(self._build)
            await self.retrying(output.copy_new_output)
            if build.over:
                return build
            polls_without_result = 0 if build.building else polls_without_result + 1
            if polls_without_result > POLLS_WITHOUT_RESULT:
                raise GiveUp(Reason.JENKINS_LOST, {"job": self.order.name}, log=self.log.tail())
            self.location = replace(location, offset=output.offset)
            await self._report_offset()
            if now - build.started > self.order.timeout:
                facts = {"step": self.order.step, "seconds": str(self.order.timeout)}
                raise OverdueError(TellUser(Reason.TIMED_OUT, facts, log=self.log.tail()))
            await self.sleep(self.timeouts.poll)

    async def _build(self) -> tuple[responses.JenkinsBuild, float]:
        """Return the build, and the current time by the clock that its start is measured by."""
        path = paths.build(self.order.name, self._location().build or 0)
        data, date = await self.client.dated(path, responses.BUILD_TREE, job=self.order.name)
        if data is None:
            raise GiveUp(Reason.JENKINS_LOST, {"job": self.order.name}, log=self.log.tail())
        return responses.build(data), _seconds(date) or self.clock.now().timestamp()

    def _location(self) -> BuildLocation:
        if self.location is None or self.location.build is None:
            raise AssertionError("there is no build yet")
        return self.location

    async def retrying(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Repeat a request while Jenkins is unavailable. Raises GiveUp after `timeouts.outage`."""
        since: datetime | None = None
        noted = ""
        while True:
            try:
                found = await ask()
            except RetryLater as error:
                now = self.clock.now()
                since = since or now
                if (now - since).total_seconds() > self.timeouts.outage:
                    raise GiveUp(error.reason, error.facts, log=self.log.tail()) from error
                message = error.facts.get("message", str(error.reason))
                if message != noted:
                    noted = message
                    self.log.note(message)
                    await self._report(message)
                await self.sleep(max(self.timeouts.poll, error.delay or 0.0))
            else:
                if noted:
                    self.log.note("Jenkins answers again")
                    await self._report("")
                return found

    async def _report(self, waiting: str) -> None:
        """Report what the job waits for, unless only a count of seconds has changed."""
        handle = self.location.handle(self.order.key) if self.location else ""
        progress = (_SECONDS.sub("", waiting), handle)
        if progress != self._reported:
            self._reported = progress
            self._reported_at = self.clock.now()
            await self.report_progress(waiting=waiting, link=self.link, handle=handle)

    async def _report_offset(self) -> None:
        """Report the offset in the log from time to time."""
        if self._reported_at is None or self.clock.now() - self._reported_at >= REPORT_OFFSET_EVERY:
            await self._report("")


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
