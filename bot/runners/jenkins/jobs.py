"""Jenkins as `ports.Jobs`: each order is begun or taken up, followed, stopped if need be, and read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from glob import escape

from bot.core.paths import listed
from bot.model.errors import ChatOpsError, RetryLater, TellUser
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
    _handles: dict[str, str] = field(default_factory=dict)
    """What was told last, by key: a further try in this process was given what was told before the first."""

    async def run(self, order: JobOrder, log: Log, tell: Tell, stopped: Callable[[], bool]) -> JobEnding:
        """Run one job; see `ports.Jobs.run`."""
        if not self.allows(order.repository, order.name):
            raise TellUser(Reason.JENKINS_JOB_NOT_ALLOWED, {"job": order.name})
        try:
            ending = await self._carry_out(order, log, tell, stopped)
        except RetryLater:
            raise  # whoever tries again goes on from what was told
        except BaseException:
            self._handles.pop(order.key, None)
            raise
        self._handles.pop(order.key, None)
        return ending

    async def _carry_out(
        self, order: JobOrder, log: Log, tell: Tell, stopped: Callable[[], bool]
    ) -> JobEnding:
        async def remember(
            *, waiting: str | None = None, handle: str | None = None, link: str | None = None
        ) -> None:
            self._handles[order.key] = handle or ""
            await tell(waiting=waiting, handle=handle, link=link)

        known = replace(order, handle=self._handles.get(order.key, order.handle))
        following = Following(
            self.client, known, log, remember, self.clock, self.sleep, self.patience, self.url.rstrip("/")
        )
        stopping = Stopping(self.client, Lookup(self.client, known), log, self.sleep)
        try:
            build = await following.to_the_end()
            return await self._ending(known, following, build, log)
        except OverdueError as overdue:
            await uninterrupted(stopping.stop(following.place))
            raise overdue.error from overdue
        except asyncio.CancelledError:
            if stopped():
                await uninterrupted(stopping.stop(following.place))
            raise

    async def _ending(
        self, order: JobOrder, following: Following, build: reading.Build, log: Log
    ) -> JobEnding:
        results = Results(self.client, order.name, build.number, log)
        report = await following.patiently(results.report) if order.tested else None
        files = {}
        if report is None and order.files:
            files = await following.patiently(lambda: results.files(order.files))
        return JobEnding(build.result, build.number, following.link, report, files)

    async def stop(self, order: JobOrder, log: Log) -> None:
        """Stop one job; see `ports.Jobs.stop`."""
        await Stopping(self.client, Lookup(self.client, order), log, self.sleep).stop(None)

    async def ping(self) -> str | None:
        """Return None when Jenkins answers to our credentials, else what is wrong."""
        try:
            found = await self.client.json("", "mode")
        except ChatOpsError as error:
            return error.facts.get("message", str(error))
        return None if found is not None else "404: what answers there is not Jenkins"

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def allows(self, repository: str, job: str) -> bool:
        """Whether the operator lets a repository use a job."""
        owner, _, name = repository.partition("/")
        patterns = [
            _anchored(pattern.replace("{owner}", escape(owner)).replace("{name}", escape(name)))
            for pattern in self.allowed
        ]
        return listed(patterns, job)


def _anchored(pattern: str) -> str:
    """Let a pattern count from the root, whether or not it has a slash."""
    bare = pattern.removeprefix("!")
    return f"{'!' * (bare != pattern)}/{bare.lstrip('/')}"
