"""Runs job requests against the offline Jenkins, with a clock that skips waits, and records all reports."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.ports import JobEnding, JobOrder
from bot.runners.jenkins.build_follower import JenkinsTimeouts
from bot.runners.jenkins.client import JenkinsClient, JenkinsOptions
from bot.runners.jenkins.jobs import JenkinsJobs
from bot.sandbox.process import ProcessSandbox
from playground.jenkins.server import OfflineJenkins
from tests.fakes.log import FakeLog
from tests.real.parts import PATIENCE

USER, TOKEN = "chatops", "11aa22bb"

ORDER = JobOrder(
    step="build",
    repository="team/shop",
    name="team/build-image",
    parameters={"CHATOPS_SHA": "1a2b3c"},
    required=frozenset(),
    key="7.0-1a2b3c-65",
    timeout=600,
    files=("**/chatops.env", "**/image.txt"),
)


@dataclass
class Timeline:
    """A clock that skips every wait and performs the actions planned for the skipped time."""

    _now: datetime = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    _plans: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        for plan in [plan for plan in sorted(self._plans, key=lambda plan: plan[0]) if plan[0] <= until]:
            self._plans.remove(plan)
            self._now = max(self._now, plan[0])
            plan[1]()
        self._now = max(self._now, until)
        await asyncio.sleep(0)

    def after(self, seconds: float, do: Callable[[], object]) -> None:
        """Call something after this much time."""
        self._plans.append((self._now + timedelta(seconds=seconds), do))


@dataclass
class Bench:
    """Runs job requests as the steps do."""

    jenkins: OfflineJenkins
    time: Timeline
    allowed: tuple[str, ...] = ("{owner}/**",)
    timeouts: JenkinsTimeouts = field(default_factory=JenkinsTimeouts)
    credentials: dict[str, Any] = field(default_factory=lambda: {"user": USER, "token": TOKEN})
    log: FakeLog = field(default_factory=FakeLog)
    reports: list[dict[str, str | None]] = field(default_factory=list)
    stopping: bool = False
    """Whether a cancelled request stops its build."""
    _clients: list[JenkinsClient] = field(default_factory=list)

    def jobs(self) -> JenkinsJobs:
        """Return a new client, as a newly started process has."""
        client = JenkinsClient(JenkinsOptions(self.jenkins.url, **self.credentials))
        self._clients.append(client)
        return JenkinsJobs(
            client,
            "https://ci.example.com",
            self.allowed,
            self.time,
            ProcessSandbox(),
            self.timeouts,
            self.time.sleep,
        )

    async def run(
        self, order: JobOrder = ORDER, jobs: JenkinsJobs | None = None, **changes: Any
    ) -> JobEnding:
        """Run a request to its end."""
        async with asyncio.timeout(PATIENCE):
            found = jobs or self.jobs()
            return await found.run(replace(order, **changes), self.log, self._report, lambda: self.stopping)

    def start(self, order: JobOrder = ORDER, **changes: Any) -> "asyncio.Task[JobEnding]":
        """Start a request."""
        return asyncio.create_task(self.run(order, **changes))

    async def until(self, what: Callable[[], object]) -> None:
        """Wait until a condition is true while the request runs."""
        async with asyncio.timeout(PATIENCE):
            while not what():  # noqa: ASYNC110 - the offline Jenkins has no event to wait for
                await asyncio.sleep(0)

    async def _report(
        self, *, waiting: str | None = None, handle: str | None = None, link: str | None = None
    ) -> None:
        self.reports.append({"waiting": waiting, "handle": handle, "link": link})

    @property
    def waited_for(self) -> list[str]:
        """Return the reported reasons for waiting."""
        return [report["waiting"] for report in self.reports if report["waiting"]]

    @property
    def handle(self) -> str:
        """Return the last reported handle of the build."""
        return next((report["handle"] for report in reversed(self.reports) if report["handle"]), "")

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
