"""Steps and plans as values, so that a store can keep them and a restart can take them up again.

A step carries all it needs: a change of configuration or code does not change a run that waits.
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
    """Make the image of `sha` and push it."""

    sha: str
    config: BuildConfig
    name: Literal["build"] = "build"


@dataclass(frozen=True, slots=True)
class Deploy:
    """Put the image of `sha` into an environment."""

    sha: str
    config: DeployConfig
    services: Mapping[str, ServiceConfig]
    environment: str = DEFAULT_ENVIRONMENT
    ttl: int = 259_200
    """Seconds."""
    build: BuildConfig = field(default_factory=BuildConfig)
    """How the image was made: its Dockerfile says which port is meant."""
    teardown: TeardownConfig = field(default_factory=TeardownConfig)
    """What else removes the environment later on."""
    definition: str = ""
    """Commit out of which manifests and charts are read; empty means `sha`."""
    name: Literal["deploy"] = "deploy"


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite of tests; an empty command means the image's own."""

    name: str
    command: str = ""
    failed: tuple[str, ...] = ()
    """Names of the tests that failed last time, when only those are wanted."""


@dataclass(frozen=True, slots=True)
class Test:
    """Run the suites against the environment."""

    __test__ = False

    sha: str
    config: TestConfig
    build: BuildConfig
    suites: tuple[Suite, ...] = (Suite("default"),)
    environment: str = DEFAULT_ENVIRONMENT
    name: Literal["test"] = "test"


@dataclass(frozen=True, slots=True)
class Teardown:
    """Remove an environment; `everything` also removes images, tags and every other environment."""

    environment: str | None = None
    """None means all environments of the pull request."""
    everything: bool = False
    config: TeardownConfig = field(default_factory=TeardownConfig)
    name: Literal["teardown"] = "teardown"


Step = Build | Deploy | Test | Teardown


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order; a failed step skips those after it."""

    steps: tuple[Step, ...]

    @property
    def names(self) -> tuple[StepName, ...]:
        """What will happen, in order."""
        return tuple(step.name for step in self.steps)

    @property
    def runners(self) -> frozenset[RunnerName]:
        """Who carries the steps out; what removes asks whoever has something."""
        return frozenset(step.config.runner for step in self.steps if not isinstance(step, Teardown))

    @property
    def removes_only(self) -> bool:
        """Whether all it does is to remove."""
        return all(isinstance(step, Teardown) for step in self.steps)
