"""The state of the offline Jenkins: jobs, queue items, builds and users."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from playground.jenkins.console import ConsoleLog

Kind = Literal["pipeline", "freestyle"]
Stop = Literal["stop", "term", "kill"]
Permission = Literal["Read", "Build", "Cancel"]
EVERYTHING: frozenset[Permission] = frozenset({"Read", "Build", "Cancel"})

JOB_CLASSES: Mapping[Kind, str] = {
    "pipeline": "org.jenkinsci.plugins.workflow.job.WorkflowJob",
    "freestyle": "hudson.model.FreeStyleProject",
}
BUILD_CLASSES: Mapping[Kind, str] = {
    "pipeline": "org.jenkinsci.plugins.workflow.job.WorkflowRun",
    "freestyle": "hudson.model.FreeStyleBuild",
}


@dataclass(slots=True)
class User:
    """An account. A password requires a crumb, an API token does not."""

    name: str
    password: str
    token: str


@dataclass(slots=True)
class Build:
    """A build, running or ended."""

    job: "Job"
    number: int
    queue_id: int
    parameters: dict[str, str]
    user: str
    started_at: float
    console: ConsoleLog = field(default_factory=ConsoleLog)
    building: bool = True
    result: str | None = None
    duration: float = 0.0
    artifacts: dict[str, bytes] = field(default_factory=dict)
    report: dict[str, Any] | None = None
    stops: list[Stop] = field(default_factory=list)
    """The requests to stop it, in order."""
    task: "asyncio.Task[None] | None" = None


Story = Callable[[Any], Awaitable[str]]
"""What a build does: takes a `stories.BuildHandle` and returns the result, such as SUCCESS."""


@dataclass(slots=True)
class Job:
    """A job with its full name. `parameters` maps names to defaults; None means a job without parameters."""

    name: str
    story: Story
    parameters: dict[str, str] | None
    kind: Kind = "pipeline"
    buildable: bool = True
    quiet: float = 0.0
    concurrent: bool = True
    kept_builds: int = 100
    """Number of builds that log rotation keeps."""
    ignores: frozenset[Stop] = frozenset()
    """Requests to stop that its builds ignore."""
    credentials: dict[str, str] = field(default_factory=dict)
    """Values of the credentials that its builds can bind, by id."""
    grants: dict[str, frozenset[Permission]] = field(default_factory=dict)
    """Permissions by user; users that are not listed have all."""
    builds: dict[int, Build] = field(default_factory=dict)
    next_number: int = 1

    def allows(self, user: str, permission: Permission) -> bool:
        """Whether a user has this permission for the job."""
        return permission in self.grants.get(user, EVERYTHING)

    @property
    def running(self) -> list[Build]:
        """Its running builds."""
        return [build for build in self.builds.values() if build.building]


@dataclass(slots=True)
class QueueItem:
    """A requested build. It is kept for a while after it left the queue."""

    id: int
    job: Job
    parameters: dict[str, str]
    user: str
    since: float
    quiet_until: float
    cancelled: bool = False
    build: Build | None = None
    left_at: float | None = None

    @property
    def waiting(self) -> bool:
        """Whether it is still in the queue."""
        return self.left_at is None


def job_path(name: str) -> str:
    """Return the path of a job or folder below the root, without a slash at either end."""
    return "/".join(f"job/{quote(part, safe='')}" for part in name.split("/"))
