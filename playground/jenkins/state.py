"""What this Jenkins knows: jobs, the queue, builds and people. Mechanics stand elsewhere."""

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
    """An account; an API token needs no crumb, a password does."""

    name: str
    password: str
    token: str


@dataclass(slots=True)
class Build:
    """One build, whatever became of it."""

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
    """How it was asked to stop, in order."""
    task: "asyncio.Task[None] | None" = None


Story = Callable[[Any], Awaitable[str]]
"""What a build does: is given a `stories.BuildHandle` and returns the result, such as SUCCESS."""


@dataclass(slots=True)
class Job:
    """A job by its full name; `parameters` maps names to defaults, None for a job without any."""

    name: str
    story: Story
    parameters: dict[str, str] | None
    kind: Kind = "pipeline"
    buildable: bool = True
    quiet: float = 0.0
    concurrent: bool = True
    keep: int = 100
    """Builds that log rotation leaves."""
    ignores: frozenset[Stop] = frozenset()
    """Ways of stopping that its builds do not care about."""
    grants: dict[str, frozenset[Permission]] = field(default_factory=dict)
    """What a user may do here; all for users who are not named."""
    builds: dict[int, Build] = field(default_factory=dict)
    next_number: int = 1

    def allows(self, user: str, permission: Permission) -> bool:
        """Whether a user may do this here."""
        return permission in self.grants.get(user, EVERYTHING)

    @property
    def running(self) -> list[Build]:
        """Its builds under way."""
        return [build for build in self.builds.values() if build.building]


@dataclass(slots=True)
class QueueItem:
    """A build that was asked for; stays known for a while after it has left the queue."""

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
