"""What a step is given besides itself: the run it belongs to, its log, and the doors to the outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.errors import GiveUp
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.model.run import Image, Run
from bot.model.scan import Severity
from bot.ports import Builder, Jobs, Log, Platform, Registry, ReportProgress, Reports, Source, Suspendable

T = TypeVar("T")


async def _ignore_progress(
    *, waiting: str | None = None, handle: str | None = None, link: str | None = None
) -> None:
    """Keep nothing: for steps carried out on their own."""


@dataclass(frozen=True, slots=True)
class StepAdapters:
    """The adapters in use, by runner where there may be several."""

    source: Source
    registry: Registry
    reports: Reports
    builders: Mapping[RunnerName, Builder]
    platforms: Mapping[RunnerName, Platform]
    fail_on: Severity | None = None
    """Severity of a vulnerability from which an image is refused; None takes every image."""
    jobs: Mapping[RunnerName, Jobs] = field(default_factory=dict)
    suspendable: Mapping[RunnerName, Suspendable] = field(default_factory=dict)
    """Platforms whose environments can sleep."""

    def builder(self, runner: RunnerName) -> Builder:
        """Return who builds; raises GiveUp(NOT_SUPPORTED) when this bot has no such runner."""
        return _known(self.builders, runner)

    def platform(self, runner: RunnerName) -> Platform:
        """Return where environments live; raises GiveUp(NOT_SUPPORTED) likewise."""
        return _known(self.platforms, runner)

    def jobs_of(self, runner: RunnerName) -> Jobs:
        """Return who runs jobs; raises GiveUp(NOT_SUPPORTED) likewise."""
        return _known(self.jobs, runner)


@dataclass(frozen=True, slots=True)
class StepContext:
    """One step's surroundings."""

    run: Run
    log: Log
    adapters: StepAdapters
    image: Image | None = None
    """Image of the run's commit, if there is one."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Whole public host name of its preview by environment name, whatever address a job told."""
    urls: Mapping[str, str] = field(default_factory=dict)
    """Public address by environment name."""
    expiries: Mapping[str, datetime] = field(default_factory=dict)
    """Until when each lives, by environment name."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Port on which the service of a deployed environment listens, by environment name."""
    environments: tuple[str, ...] = ()
    """Names of the environments that exist."""
    resumed: bool = False
    """Whether an earlier attempt was interrupted, and may have left something at the runner."""
    handle: str = ""
    """What an earlier attempt told its runner's work is found again by."""
    report_progress: ReportProgress = _ignore_progress
    reported_urls: Mapping[str, str] = field(default_factory=dict)
    """Address that whoever deployed a ready environment told, where that is not the previews' own."""
    index: int = 0
    """Place of the step in its plan."""
    stopped: Callable[[], bool] = lambda: True
    """Whether a cancelled step is to end for good; otherwise this bot only goes away."""

    def key(self, environment: str) -> EnvironmentKey:
        """Name one environment of this pull request."""
        return EnvironmentKey(self.run.repo, self.run.number, environment)

    def labels(self, environment: str = "") -> dict[str, str]:
        """Return the labels by which everything that this run makes is found again."""
        return naming.labels(self.key(environment), sha=self.run.sha, run=self.run.id)


def _known(runners: Mapping[RunnerName, T], runner: RunnerName) -> T:
    if runner not in runners:
        raise GiveUp(Reason.NOT_SUPPORTED, {"what": f"runner: {runner}"})
    return runners[runner]
