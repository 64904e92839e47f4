"""Plans and their steps as values, which the store keeps and a restarted bot continues.

A step contains all that it needs, so that later changes of configuration do not affect a waiting run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.model.pipeline import (
    BuildConfig,
    DeployConfig,
    RunnerName,
    ServiceConfig,
    TeardownConfig,
    TestConfig,
)

StepName = Literal["build", "deploy", "test", "teardown"]

DEFAULT_ENVIRONMENT = "preview"


@dataclass(frozen=True, slots=True)
class Build:
    """Build the images of `sha` and push them."""

    sha: str
    config: BuildConfig
    """How the image is built that the service runs."""
    trusted: bool = False
    """Whether only people with write access can have pushed `sha`; otherwise its build shares no cache, and
    it has only secrets for approved commits."""
    served: str = ""
    """Name of the image that the service runs."""
    beside: Mapping[str, BuildConfig] = field(default_factory=dict)
    """How the other images are built, by name."""
    base: str = ""
    """Latest commit of the base branch, if the merge of `sha` into it is built; empty for `sha` itself."""
    afresh: bool = False
    """Whether somebody asked for new images, also of unchanged files."""
    name: Literal["build"] = "build"

    @property
    def images(self) -> dict[str, BuildConfig]:
        """How each image is built, by name, the one that the service runs first."""
        return {self.served: self.config, **self.beside}


@dataclass(frozen=True, slots=True)
class Deploy:
    """Deploy an image of `sha`, and the services that it needs, to an environment."""

    sha: str
    config: DeployConfig
    services: Mapping[str, ServiceConfig]
    environment: str = DEFAULT_ENVIRONMENT
    ttl: int = 259_200
    """Lifetime in seconds."""
    build: BuildConfig = field(default_factory=BuildConfig)
    """How the image was built: the Dockerfile determines the port."""
    image: str = ""
    """Name of the image; empty for the only one of `build`."""
    teardown: TeardownConfig = field(default_factory=TeardownConfig)
    """How the environment is removed later, besides by its platform."""
    definition: str = ""
    """Commit from which manifests, charts and files of services are read; empty means `sha`."""
    trusted: bool = False
    """As for `Build`."""
    renews_data: bool = False
    """Whether the data of services begins anew, even if the configuration keeps it."""
    name: Literal["deploy"] = "deploy"


@dataclass(frozen=True, slots=True)
class Suite:
    """A test suite; an empty command means the command of the image."""

    name: str
    command: str = ""
    failed: tuple[str, ...] = ()
    """Names of the tests that failed last time, if only those are to run."""


@dataclass(frozen=True, slots=True)
class Test:
    """Run the suites against the environment."""

    __test__ = False

    sha: str
    config: TestConfig
    build: BuildConfig
    suites: tuple[Suite, ...] = (Suite("default"),)
    environment: str = DEFAULT_ENVIRONMENT
    trusted: bool = False
    """As for `Build`."""
    image: str = ""
    """Name of the image that has the tests; empty for the only one of `build`."""
    name: Literal["test"] = "test"


@dataclass(frozen=True, slots=True)
class Teardown:
    """Remove an environment; `everything` also removes images, tags and all other environments."""

    environment: str | None = None
    """None means all environments of the pull request."""
    everything: bool = False
    config: TeardownConfig = field(default_factory=TeardownConfig)
    name: Literal["teardown"] = "teardown"

    def removes(self, environment: str) -> bool:
        """Return whether it removes this environment."""
        return self.environment in {None, environment}


Step = Build | Deploy | Test | Teardown


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order; a failed step skips those after it."""

    steps: tuple[Step, ...]

    @property
    def names(self) -> tuple[StepName, ...]:
        """Names of the steps, in order."""
        return tuple(step.name for step in self.steps)

    @property
    def runners(self) -> frozenset[RunnerName]:
        """Runners that execute the steps; a teardown asks every runner that has something to remove."""
        return frozenset(step.config.runner for step in self.steps if not isinstance(step, Teardown))

    @property
    def removes_only(self) -> bool:
        """Whether it only removes things."""
        return all(isinstance(step, Teardown) for step in self.steps)
