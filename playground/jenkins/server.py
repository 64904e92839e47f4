"""An offline Jenkins with an HTTP server, and methods for tests and the playground."""

import socket
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.web.accepting import stop_accepting
from playground import faults
from playground.jenkins.access import AccessControl
from playground.jenkins.api import JenkinsApi
from playground.jenkins.pages import restarting
from playground.jenkins.scheduling import Scheduler
from playground.jenkins.serializers import JenkinsSerializer
from playground.jenkins.state import Build, Job, QueueItem, Story, User
from playground.jenkins.stories import succeeds

VERSION = "2.504.3"
DECLARED = (
    "CHATOPS_RUN",
    "CHATOPS_REPOSITORY",
    "CHATOPS_PR",
    "CHATOPS_SHA",
    "CHATOPS_CLONE_URL",
    "CHATOPS_REF",
    "CHATOPS_IMAGE",
    "CHATOPS_ENVIRONMENT",
    "CHATOPS_HOST",
    "CHATOPS_HOST_LABEL",
    "CHATOPS_SERVICE_URL",
    "CHATOPS_SUITES",
    "CHATOPS_FAILED_TESTS",
    "CHATOPS_CREDENTIALS",
    "CHATOPS_CREDENTIAL_ENV",
)
"""Parameters that a job for the bot declares; see docs/jenkins.md."""


class OfflineJenkins:
    """A Jenkins that tests can configure and inspect."""

    def __init__(
        self,
        *,
        port: int = 0,
        executors: int = 2,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._port = port
        self.url = ""
        self.skew = 0.0
        """Seconds by which the clock of this Jenkins is ahead."""
        self.faults = faults.Faults()
        self.requests: list[tuple[str, str]] = []
        """Method and path of every request."""
        self.scheduler = Scheduler(executors, now, sleep)
        self.access = AccessControl()
        self._unavailable_until = 0.0
        self._api = JenkinsApi(self.scheduler, self.access, self._serializer)
        self._runner: web.AppRunner | None = None
        self._listening: socket.socket | None = None

    def _serializer(self) -> JenkinsSerializer:
        return JenkinsSerializer(self.scheduler, self.url, self.skew)

    async def start(self) -> None:
        """Start the server; see `url`."""
        application = web.Application(middlewares=[faults.middleware(self.faults)])
        application.router.add_route("*", "/{tail:.*}", self._handle)
        application.on_response_prepare.append(self._stamp)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=2
        )
        await self._runner.setup()
        self._listening = socket.create_server(("127.0.0.1", self._port))
        await web.SockSite(self._runner, self._listening).start()
        self._port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        """Abort all builds and stop the server."""
        await self.scheduler.close()
        if self._runner is not None and self._listening is not None:
            await stop_accepting(self._listening)
            await self._runner.cleanup()
            self._runner = self._listening = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # Configuration

    def add_user(self, name: str, *, password: str = "", token: str = "") -> User:
        """Create an account."""
        self.access.users[name] = User(name, password, token)
        return self.access.users[name]

    def add_job(
        self, name: str, story: Story = succeeds, *, parameters: Iterable[str] | None = DECLARED, **more: Any
    ) -> Job:
        """Create a job with this full name; see `state.Job` for further arguments."""
        declared = None if parameters is None else dict.fromkeys(parameters, "")
        self.scheduler.jobs[name] = Job(name, story, declared, **more)
        return self.scheduler.jobs[name]

    def quiet_down(self, *, on: bool = True) -> None:
        """Start no new builds, as before a restart."""
        self.scheduler.quieting_down = on

    def restart(self, seconds: float = 0.0, *, keeps_builds: bool = True, keeps_queue: bool = True) -> None:
        """Be unavailable for some seconds. By default, builds and queue survive."""
        self._unavailable_until = self.scheduler.now() + seconds
        self.scheduler.quieting_down = False
        if not keeps_builds:
            self.scheduler.lose(self.scheduler.running)
        for item in list(self.scheduler.items.values()):
            # Jenkins forgets items that left the queue when it restarts.
            if not item.waiting or not keeps_queue:
                del self.scheduler.items[item.id]

    # Inspection

    @property
    def builds(self) -> list[Build]:
        """All builds, in the order in which they started."""
        found = [build for job in self.scheduler.jobs.values() for build in job.builds.values()]
        return sorted(found, key=lambda build: (build.started_at, build.queue_id))

    @property
    def queue(self) -> list[QueueItem]:
        """The items that wait."""
        return [item for item in self.scheduler.items.values() if item.waiting]

    def triggers(self) -> int:
        """Return the number of requests for a build."""
        return sum(method == "POST" and "/build" in path for method, path in self.requests)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.rel_url.raw_path))
        if self.scheduler.now() < self._unavailable_until:
            return restarting()
        return await self._api.respond(request)

    async def _stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        now = datetime.fromtimestamp(self.scheduler.now(), UTC) + timedelta(seconds=self.skew)
        response.headers["Date"] = format_datetime(now, usegmt=True)
        response.headers["X-Jenkins"] = VERSION
