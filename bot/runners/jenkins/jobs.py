"""Implements `ports.Jobs` with Jenkins: starts or resumes a job, follows it, and reads its results."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from glob import escape

from bot.core.paths import listed
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import Clock, JobEnding, JobOrder, Log, ReportProgress, Sandbox
from bot.runners.cleanup import uninterrupted
from bot.runners.jenkins import responses
from bot.runners.jenkins.build_finder import BuildFinder
from bot.runners.jenkins.build_follower import BuildFollower, JenkinsTimeouts, OverdueError
from bot.runners.jenkins.build_stopper import BuildStopper
from bot.runners.jenkins.client import JenkinsClient
from bot.runners.jenkins.results import Results


@dataclass(frozen=True, slots=True)
class JenkinsJobs:
    """Runs the jobs that the operator allows a repository to use."""

    client: JenkinsClient
    url: str
    """Address of Jenkins in people's browsers."""
    allowed: Sequence[str]
    """Patterns of full job names; `{owner}` and `{name}` stand for the repository's."""
    clock: Clock
    sandbox: Sandbox
    timeouts: JenkinsTimeouts = field(default_factory=JenkinsTimeouts)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(
        self, order: JobOrder, log: Log, report_progress: ReportProgress, stopped: Callable[[], bool]
    ) -> JobEnding:
        """Run one job; see `ports.Jobs.run`."""
        if not self.allows(order.repository, order.name):
            raise TellUser(Reason.JENKINS_JOB_NOT_ALLOWED, {"job": order.name})
        follower = BuildFollower(
            self.client,
            order,
            log,
            report_progress,
            self.clock,
            self.sleep,
            self.timeouts,
            self.url.rstrip("/"),
        )
        try:
            build = await follower.follow()
            return await self._ending(order, follower, build, log)
        except OverdueError as overdue:
            await uninterrupted(self._stopper(order, log).stop(follower.location))
            raise overdue.error from overdue
        except asyncio.CancelledError:
            if stopped():
                await uninterrupted(self._stopper(order, log).stop(follower.location))
            raise

    def _stopper(self, order: JobOrder, log: Log) -> BuildStopper:
        return BuildStopper(self.client, BuildFinder(self.client, order), log, self.sleep)

    async def _ending(
        self, order: JobOrder, follower: BuildFollower, build: responses.JenkinsBuild, log: Log
    ) -> JobEnding:
        results = Results(self.client, order.name, build.number, log, self.sandbox)
        report = await follower.retrying(results.report) if order.tested else None
        files = {}
        if report is None and order.files:
            files = await follower.retrying(lambda: results.files(order.files))
        return JobEnding(order.name, build.result, build.number, report, files)

    async def stop(self, order: JobOrder, log: Log) -> None:
        """Stop one job; see `ports.Jobs.stop`."""
        await self._stopper(order, log).stop(None)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def allows(self, repository: str, job: str) -> bool:
        """Return whether a repository may use a job. Jenkins ignores case in names, and so does this."""
        owner, _, name = repository.partition("/")
        patterns = [
            _anchored(pattern.replace("{owner}", escape(owner)).replace("{name}", escape(name)))
            for pattern in self.allowed
        ]
        return listed([pattern.casefold() for pattern in patterns], job.casefold())


def _anchored(pattern: str) -> str:
    """Anchor a pattern at the root, whether or not it has a slash."""
    bare = pattern.removeprefix("!")
    return f"{'!' * (bare != pattern)}/{bare.lstrip('/')}"
