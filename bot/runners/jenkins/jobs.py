"""Jenkins as `ports.Jobs`: each order is begun or taken up, followed, stopped if need be, and read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from glob import escape

from bot.core.paths import listed
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import Clock, JobEnding, JobOrder, Log, Tell
from bot.runners.cleanup import uninterrupted
from bot.runners.jenkins import reading
from bot.runners.jenkins.client import JenkinsClient
from bot.runners.jenkins.following import Following, OverdueError, Patience
from bot.runners.jenkins.lookup import Lookup
from bot.runners.jenkins.results import Results
from bot.runners.jenkins.stopping import Stopping


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class JenkinsJobs:
    """Runs jobs for every repository, as far as the operator lets it."""

    client: JenkinsClient
    url: str
    """Where people's browsers find Jenkins."""
    allowed: Sequence[str]
    """Patterns of jobs' full names; `{owner}` and `{name}` stand for the repository's."""
    patience: Patience = field(default_factory=Patience)
    clock: Clock = field(default_factory=_SystemClock)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, order: JobOrder, log: Log, tell: Tell, stopped: Callable[[], bool]) -> JobEnding:
        """Run one job; see `ports.Jobs.run`."""
        if not self.allows(order.repository, order.name):
            raise TellUser(Reason.JENKINS_JOB_NOT_ALLOWED, {"job": order.name})
        following = Following(
            self.client, order, log, tell, self.clock, self.sleep, self.patience, self.url.rstrip("/")
        )
        try:
            build = await following.to_the_end()
            return await self._ending(order, following, build, log)
        except OverdueError as overdue:
            await uninterrupted(self._stopping(order, log).stop(following.place))
            raise overdue.error from overdue
        except asyncio.CancelledError:
            if stopped():
                await uninterrupted(self._stopping(order, log).stop(following.place))
            raise

    def _stopping(self, order: JobOrder, log: Log) -> Stopping:
        return Stopping(self.client, Lookup(self.client, order), log, self.sleep)

    async def _ending(
        self, order: JobOrder, following: Following, build: reading.Build, log: Log
    ) -> JobEnding:
        results = Results(self.client, order.name, build.number, log)
        report = await following.patiently(results.report) if order.tested else None
        files = {}
        if report is None and order.files:
            files = await following.patiently(lambda: results.files(order.files))
        return JobEnding(order.name, build.result, build.number, report, files)

    async def stop(self, order: JobOrder, log: Log) -> None:
        """Stop one job; see `ports.Jobs.stop`."""
        await self._stopping(order, log).stop(None)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def allows(self, repository: str, job: str) -> bool:
        """Whether the operator lets a repository use a job; Jenkins does not tell `Shop` from `shop`."""
        owner, _, name = repository.partition("/")
        patterns = [
            _anchored(pattern.replace("{owner}", escape(owner)).replace("{name}", escape(name)))
            for pattern in self.allowed
        ]
        return listed([pattern.casefold() for pattern in patterns], job.casefold())


def _anchored(pattern: str) -> str:
    """Let a pattern count from the root, whether or not it has a slash."""
    bare = pattern.removeprefix("!")
    return f"{'!' * (bare != pattern)}/{bare.lstrip('/')}"
