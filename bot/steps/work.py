"""What a step is given besides itself: the run it belongs to, its log, and the doors to the outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bot.core import naming
from bot.model.environment import EnvironmentKey
from bot.model.errors import GiveUp
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.model.run import Image, Run
from bot.model.scan import Severity
from bot.ports import Builder, Log, Platform, Registry, Reports, Source

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doors:
    """The adapters in use, by runner where there may be several."""

    source: Source
    registry: Registry
    reports: Reports
    builders: Mapping[RunnerName, Builder]
    platforms: Mapping[RunnerName, Platform]
    fail_on: Severity | None = None
    """Severity of a vulnerability from which an image is refused; None takes every image."""

    def builder(self, runner: RunnerName) -> Builder:
        """Return who builds; raises GiveUp(NOT_SUPPORTED) when this bot has no such runner."""
        return _known(self.builders, runner)

    def platform(self, runner: RunnerName) -> Platform:
        """Return where environments live; raises GiveUp(NOT_SUPPORTED) likewise."""
        return _known(self.platforms, runner)


@dataclass(frozen=True, slots=True)
class Work:
    """One step's surroundings."""

    run: Run
    log: Log
    doors: Doors
    image: Image | None = None
    """Image of the run's commit, if there is one."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Public host name by environment name."""
    urls: Mapping[str, str] = field(default_factory=dict)
    """Public address by environment name."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Port on which the service of a deployed environment listens, by environment name."""
    environments: tuple[str, ...] = ()
    """Names of the environments that exist."""

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
