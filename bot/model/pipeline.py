"""What `.chatops.yml` says, once it has been found valid.

Field docstrings feed the JSON Schema and the reference. Read from the base branch only, never from
the head of a pull request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from bot.model.text import Language

STRICT: dict[str, Any] = {"extra": "forbid", "use_attribute_docstrings": True}

RESULT_FILES = ("**/chatops.env", "**/image.txt")
"""Where a Jenkins job tells what it made."""


class RunnerName(StrEnum):
    """Who carries a step out."""

    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    JENKINS = "jenkins"


@dataclass(frozen=True, slots=True)
class Automatic:
    """Commands that run by themselves when a pull request changes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    open: tuple[str, ...] = ("build", "deploy", "test")
    """When it is opened or reopened."""
    update: tuple[str, ...] = ("build", "deploy", "test")
    """When commits are pushed to it."""
    close: tuple[str, ...] = ("teardown",)
    """When it is closed or merged."""


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """How the image is made."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    runner: RunnerName = RunnerName.DOCKER
    """Who builds."""
    dockerfile: str = "Dockerfile"
    """Path of the Dockerfile, seen from `context`."""
    context: str = "."
    """Folder that is sent as the build context."""
    target: str | None = None
    """Stage to build; by default `runtime` if there is one, else the last that is not `test`."""
    args: Mapping[str, str] = field(default_factory=dict)
    """Build arguments. They stay visible in the image: no secrets."""
    timeout: int = 1200
    """Seconds after which the build is stopped."""
    job: str | None = None
    """With `runner: jenkins`, the job that builds, such as `folder/build-image` or `shop/PR-{number}`."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the job beside `CHATOPS_…`; `{sha}` and the other placeholders are filled in."""
    artifacts: tuple[str, ...] = RESULT_FILES
    """Archived files of the job in which the image is looked for."""


@dataclass(frozen=True, slots=True)
class HealthConfig:
    """When a deployed service counts as ready."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    path: str | None = None
    """URL path that must answer below 400; by default the image's HEALTHCHECK, else an open port."""
    timeout: int = 60
    """Seconds to become ready."""


@dataclass(frozen=True, slots=True)
class EnvironmentConfig:
    """One named environment beside `preview`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    env: Mapping[str, str] = field(default_factory=dict)
    """Variables added to those of `deploy.env`."""
    ttl: str | None = None
    """How long it lives, such as `3d` or `8h`."""


@dataclass(frozen=True, slots=True)
class DeployConfig:
    """How the service is started."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    runner: RunnerName = RunnerName.DOCKER
    """Who deploys."""
    enabled: bool = True
    """Whether this repository has a service to deploy at all."""
    port: int | None = None
    """Port that the service listens on; by default the first that the image EXPOSEs."""
    command: tuple[str, ...] = ()
    """Replaces the image's command."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables of the service."""
    health: HealthConfig = field(default_factory=HealthConfig)
    """When it counts as ready."""
    ttl: str = "3d"
    """How long a preview lives without a new deploy."""
    memory: str = "512m"
    """Memory limit of the service and of each of `services`, such as `512m`; capped by the operator."""
    environments: Mapping[str, EnvironmentConfig] = field(default_factory=dict)
    """Further environments for `/deploy NAME`."""
    manifests: str | None = None
    """Folder of Kubernetes manifests (Jinja2) for `runner: kubernetes`; by default the bot's own."""
    chart: str | None = None
    """Folder of a Helm chart, or the address of one that the operator allows, for `runner: kubernetes`."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Values of the chart by their paths, such as `web.replicas`; `{host}` and the like are filled in."""
    replace: bool = False
    """Whether a deployment removes the former one first, instead of upgrading it (`runner: kubernetes`)."""
    job: str | None = None
    """With `runner: jenkins`, the job that deploys; the service's address is what it says."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the job beside `CHATOPS_…`; placeholders are filled in."""
    artifacts: tuple[str, ...] = RESULT_FILES
    """Archived files of the job in which the address is looked for."""
    timeout: int = 1800
    """Seconds after which the job is stopped; other runners go by `health.timeout`."""


@dataclass(frozen=True, slots=True)
class TestConfig:
    """How the automated tests run."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    __test__: ClassVar[bool] = False

    runner: RunnerName = RunnerName.DOCKER
    """Who tests."""
    target: str | None = "test"
    """Stage of the Dockerfile to build and run; null runs the service's own image."""
    command: str | None = None
    """Shell command for the tests; by default the stage's own command."""
    suites: Mapping[str, str] = field(default_factory=dict)
    """Named suites and their shell commands, for `/test NAME`; without them there is one, `default`."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables beside SERVICE_URL, JUNIT_PATH and CHATOPS_FAILED_TESTS."""
    report: str = "/reports"
    """Folder (or one file) inside the container where JUnit XML is found afterwards, and HTML to link to."""
    timeout: int = 900
    """Seconds after which a suite is stopped."""
    job: str | None = None
    """With `runner: jenkins`, the job that tests; what its `junit` step published is the report."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the job beside `CHATOPS_…`; placeholders are filled in."""
    artifacts: tuple[str, ...] = ("**/junit*.xml", "**/TEST-*.xml")
    """Archived files of the job that are read as JUnit XML where it published no report."""


@dataclass(frozen=True, slots=True)
class TeardownConfig:
    """What else removes an environment."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    runner: RunnerName | None = None
    """`jenkins` runs a job as well; by default whoever deployed an environment removes it."""
    job: str | None = None
    """The job that removes one environment."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the job beside `CHATOPS_…`; placeholders are filled in."""
    timeout: int = 900
    """Seconds after which the job is stopped."""


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """A container beside the service, such as a database, reachable by its name."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    image: str = ""
    """Image to run. Required."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Its variables."""
    command: tuple[str, ...] = ()
    """Replaces the image's command."""
    port: int | None = None
    """Port that must be open before the service is started."""


@dataclass(frozen=True, slots=True)
class PathFilter:
    """Which changed files make automatic runs worth while."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    include: tuple[str, ...] = ("**",)
    """Patterns of which at least one changed file must match one."""
    ignore: tuple[str, ...] = ()
    """Patterns of files that do not count."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All of `.chatops.yml`. An absent file means these defaults."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    version: Literal[1] = 1
    """Version of this format."""
    on: Automatic = field(default_factory=Automatic)
    """What runs by itself."""
    build: BuildConfig = field(default_factory=BuildConfig)
    """How the image is made."""
    deploy: DeployConfig = field(default_factory=DeployConfig)
    """How the service is started."""
    test: TestConfig = field(default_factory=TestConfig)
    """How the automated tests run."""
    teardown: TeardownConfig = field(default_factory=TeardownConfig)
    """What else removes an environment."""
    services: Mapping[str, ServiceConfig] = field(default_factory=dict)
    """Containers beside the service, by the host name under which it finds them."""
    paths: PathFilter = field(default_factory=PathFilter)
    """Which changes make automatic runs worth while."""
    language: Language | None = None
    """Language of the comments; by default the operator's."""
