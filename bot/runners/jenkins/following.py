"""Follows one job from the queue to its end, through restarts of Jenkins and of this bot.

A small machine: a queue item becomes a build, a build runs and ends. Where it stands is told with every
change, so that whoever comes next goes on from there.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from bot.model.errors import GiveUp, RetryLater, TellUser
from bot.model.reason import Reason
from bot.ports import Clock, JobOrder, Log, Tell
from bot.runners.jenkins import paths, reading
from bot.runners.jenkins.build_location import BuildLocation
from bot.runners.jenkins.build_location import read as read_handle
from bot.runners.jenkins.client import JenkinsClient
from bot.runners.jenkins.console import Console
from bot.runners.jenkins.lookup import Lookup

T = TypeVar("T")

KEPT_EVERY = timedelta(seconds=15)
"""How often it is kept how much of the log was brought."""
LOOKS_WITHOUT_RESULT = 10
"""How often a build that has stopped is looked at for its result: a crash of Jenkins may have taken it."""
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)? ?(?:sec|ms|min)\w*")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: between looks, in Jenkins' queue, and while Jenkins does not answer."""

    poll: float = 2.0
    queue: int = 3600
    outage: int = 900


class OverdueError(Exception):
    """It took longer than it may, and has to be stopped; `error` is what to say."""

    def __init__(self, error: TellUser) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(slots=True)
class Following:
    """One order on its way."""

    client: JenkinsClient
    order: JobOrder
    log: Log
    tell: Tell
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    patience: Patience
    url: str
    """Where people's browsers find Jenkins."""
    place: BuildLocation | None = None
    _told: tuple[str, str] = ("", "")
    _kept_at: datetime | None = None
    _lookup: Lookup = field(init=False)

    def __post_init__(self) -> None:
        self._lookup = Lookup(self.client, self.order)

    async def to_the_end(self) -> reading.Build:
        """Return the build that ended. Raises as `ports.Jobs.run` does, and OverdueError."""
        self.place = await self.patiently(self._lookup.begun)
        if read_handle(self.order.handle, self.order.key) is not None:
            self.log.note("the bot is back; going on with what Jenkins has in hand")
        if self.place.build is None:
            await self._through_the_queue(self.place.item or 0)
        return await self._through_the_build()

    @property
    def link(self) -> str:
        """Address of the build, or of its job while it waits."""
        name, place = self.order.name, self.place
        path = paths.job(name) if place is None or place.build is None else paths.build(name, place.build)
        return f"{self.url}{path}/"

    async def _through_the_queue(self, item: int) -> None:
        began = self.clock.now()
        await self._say("")
        while True:
            found = await self.patiently(lambda: self._item(item))
            if found.cancelled:
                raise TellUser(Reason.JENKINS_ABORTED, {"job": self.order.name, "number": ""})
            if found.build is not None:
                self.place = BuildLocation(item, found.build)
                return
            await self._say(found.why)
            waited = (self.clock.now() - began).total_seconds()
            if waited > self.patience.queue:
                facts = {"job": self.order.name, "seconds": str(self.patience.queue), "why": found.why}
                raise OverdueError(TellUser(Reason.JENKINS_QUEUED_TOO_LONG, facts))
            await self.sleep(self.patience.poll)

    async def _item(self, item: int) -> reading.Item:
        data = await self.client.json(f"/queue/item/{item}", reading.ITEM_TREE)
        if data is not None:
            return reading.item(data)
        # Items are forgotten five minutes after they left the queue, and with a restart.
        found = await self._lookup.found()
        if found is None:
            raise GiveUp(Reason.JENKINS_LOST, {"job": self.order.name})
        return reading.Item(found.item or item, build=found.build)

    async def _through_the_build(self) -> reading.Build:
        place = self._build_place()
        console = Console(self.client, self.order.name, place.build or 0, self.log, place.offset)
        self.log.note(f"build #{place.build}: {self.link}")
        await self._say("")
        unsettled = 0
        while True:
            build, now = await self.patiently(self._build)
            await self.patiently(console.pump)
            if build.over:
                return build
            unsettled = 0 if build.building else unsettled + 1
            if unsettled > LOOKS_WITHOUT_RESULT:
                raise GiveUp(Reason.JENKINS_LOST, {"job": self.order.name}, log=self.log.tail())
            self.place = replace(place, offset=console.offset)
            await self._keep()
            if now - build.started > self.order.timeout:
                facts = {"step": self.order.step, "seconds": str(self.order.timeout)}
                raise OverdueError(TellUser(Reason.TIMED_OUT, facts, log=self.log.tail()))
            await self.sleep(self.patience.poll)

    async def _build(self) -> tuple[reading.Build, float]:
        """Return the build, and the time by the clock that its beginning was told by."""
        path = paths.build(self.order.name, self._build_place().build or 0)
        data, date = await self.client.dated(path, reading.BUILD_TREE, job=self.order.name)
        if data is None:
            raise GiveUp(Reason.JENKINS_LOST, {"job": self.order.name}, log=self.log.tail())
        return reading.build(data), _seconds(date) or self.clock.now().timestamp()

    def _build_place(self) -> BuildLocation:
        if self.place is None or self.place.build is None:
            raise AssertionError("there is no build yet")
        return self.place

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again while Jenkins is away, as long as patience lasts. Raises GiveUp after that."""
        since: datetime | None = None
        noted = ""
        while True:
            try:
                found = await ask()
            except RetryLater as error:
                now = self.clock.now()
                since = since or now
                if (now - since).total_seconds() > self.patience.outage:
                    raise GiveUp(error.reason, error.facts, log=self.log.tail()) from error
                message = error.facts.get("message", str(error.reason))
                if message != noted:
                    noted = message
                    self.log.note(message)
                    await self._say(message)
                await self.sleep(max(self.patience.poll, error.delay or 0.0))
            else:
                if noted:
                    self.log.note("Jenkins answers again")
                    await self._say("")
                return found

    async def _say(self, waiting: str) -> None:
        """Tell what it waits for, unless nothing but a count of seconds has changed."""
        handle = self.place.handle(self.order.key) if self.place else ""
        said = (_SECONDS.sub("", waiting), handle)
        if said != self._told:
            self._told = said
            self._kept_at = self.clock.now()
            await self.tell(waiting=waiting, link=self.link, handle=handle)

    async def _keep(self) -> None:
        """Keep how far the log was brought, now and then."""
        if self._kept_at is None or self.clock.now() - self._kept_at >= KEPT_EVERY:
            await self._say("")


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
