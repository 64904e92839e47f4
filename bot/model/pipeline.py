"""The contents of a valid `.chatops.yml`.

Docstrings of fields appear in the JSON Schema and the reference. The file is read from the base branch only,
never from the head of a pull request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal

from bot.model.text import Language

STRICT: dict[str, Any] = {"extra": "forbid", "use_attribute_docstrings": True}

RESULT_FILES = ("**/chatops.env", "**/image.txt")
"""Archived files in which a Jenkins job reports its results."""


class RunnerName(StrEnum):
    """The system that executes a step."""

    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    JENKINS = "jenkins"


@dataclass(frozen=True, slots=True)
class Automatic:
    """Commands that run automatically when a pull request changes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    open: tuple[str, ...] = ("build", "deploy", "test")
    """Commands to run when a pull request is opened or reopened."""
    update: tuple[str, ...] = ("build", "deploy", "test")
    """Commands to run when commits are pushed to a pull request."""
    close: tuple[str, ...] = ("teardown",)
    """Commands to run when a pull request is closed or merged."""
    drafts: bool = False
    """Whether drafts also run commands automatically, instead of when they are marked as ready."""


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """How an image is built."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    runner: RunnerName = RunnerName.DOCKER
    """Runner that builds the image."""
    dockerfile: str = "Dockerfile"
    """Path of the Dockerfile, relative to `context`."""
    context: str = "."
    """Directory to use as the build context."""
    target: str | None = None
    """Stage to build; by default `runtime`, or if it does not exist, the last stage except `test`."""
    args: Mapping[str, str] = field(default_factory=dict)
    """Build arguments. They are visible in the image, so they must not contain secrets."""
    inline: str | None = None
    """The Dockerfile itself, such as `FROM nginx:1.27`, instead of `dockerfile`."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files and folders to copy into the image at last: by their paths in it, their paths in `context`."""
    secrets: tuple[str, ...] = ()
    """Operator's secrets for `RUN --mount=type=secret,id=NAME`; they stay out of the image unless copied."""
    paths: tuple[str, ...] = ()
    """Patterns of files, from the repository's root. Until one of them, the Dockerfile or this section
    changes, the image of the pull request is used again; `/build` always builds."""
    timeout: int = 1200
    """Timeout of the build, in seconds."""
    job: str | None = None
    """With `runner: jenkins`, the job to run, such as `folder/build-image` or `shop/PR-{number}`."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Job parameters besides `CHATOPS_…`; placeholders such as `{sha}` are replaced."""
    artifacts: tuple[str, ...] = RESULT_FILES
    """Archived files of the job that name the image."""


@dataclass(frozen=True, slots=True)
class HealthConfig:
    """When a deployed service is considered ready."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    path: str | None = None
    """URL path that must return a status below 400; by default HEALTHCHECK of the image decides, or without
    one, any answer by HTTP."""
    protocol: Literal["http", "tcp"] = "http"
    """`tcp` for a service that does not speak HTTP: an open port is then enough."""
    timeout: int = 60
    """Seconds within which the service must become ready."""


class DataLifetime(StrEnum):
    """What a deployment does with the data of an earlier one."""

    FRESH = "fresh"
    KEEP = "keep"


class SetupTime(StrEnum):
    """At which deployments a command of `deploy.setup` runs."""

    ALWAYS = "always"
    FRESH = "fresh"


@dataclass(frozen=True, slots=True)
class SetupCommand:
    """A command that prepares data; written as a text, it is only `run`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    run: str = ""
    """The shell command. Required."""
    service: str | None = None
    """Which of `services` has the image that it runs in; by default that of the deployed service."""
    when: SetupTime = SetupTime.ALWAYS
    """`fresh` if it runs only where the data is new; see `deploy.data`."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> dict[str, Any]:
        """Accept a text for `run`, as it is written and as earlier versions of the bot have stored it."""
        read = {"type": "no-info", "function": _as_command}
        return {"type": "function-before", "function": read, "schema": handler(source)}


def _as_command(written: Any) -> Any:
    return {"run": written} if isinstance(written, str) else written


@dataclass(frozen=True, slots=True)
class EnvironmentConfig:
    """A named environment besides `preview`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables in addition to `deploy.env`."""
    secrets: tuple[str, ...] = ()
    """Secrets in addition to `deploy.secrets`."""
    secret_env: Mapping[str, str] = field(default_factory=dict)
    """Variables with secrets in addition to `deploy.secret_env`."""
    ttl: str | None = None
    """Lifetime, such as `3d` or `8h`; by default `deploy.ttl`."""


@dataclass(frozen=True, slots=True)
class DeployConfig:
    """How the service is deployed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    runner: RunnerName = RunnerName.DOCKER
    """Runner that deploys the service."""
    enabled: bool = True
    """Whether this repository has a service to deploy."""
    compose: str | None = None
    """Compose file that describes images and services, such as `docker-compose.yml`; instead of these."""
    service: str | None = None
    """With `compose`, which of its services is deployed; by default the one that publishes ports."""
    image: str | None = None
    """Which of `images` the service runs; needed if there are several."""
    port: int | None = None
    """Port that the service listens on; by default the first of 80, 8080, 3000, 8000 and 5000 that the image
    EXPOSEs, otherwise the first port, if possible one other than 443 and 8443."""
    command: tuple[str, ...] = ()
    """Replaces the image's command."""
    entrypoint: tuple[str, ...] = ()
    """Replaces the image's entrypoint; its command then does not count."""
    working_dir: str | None = None
    """Replaces the image's working directory."""
    aliases: tuple[str, ...] = ()
    """Hostnames under which `services` reach it, besides `app`."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the service."""
    secrets: tuple[str, ...] = ()
    """Operator's secrets that the service reads as files `/run/secrets/NAME`."""
    secret_env: Mapping[str, str] = field(default_factory=dict)
    """Variables and the names of their secrets; everyone who may use the engine can read these."""
    health: HealthConfig = field(default_factory=HealthConfig)
    """When the service is considered ready."""
    data: DataLifetime = DataLifetime.FRESH
    """`keep` if the `volumes` of services outlive a deployment, until `/reset` or the environment's end."""
    setup: tuple[SetupCommand, ...] = ()
    """Shell commands to run in the service's image, in order, before it starts: migrations, example data."""
    setup_timeout: int = 600
    """Timeout of each command of `setup`, in seconds."""
    ttl: str = "3d"
    """Lifetime of a preview; each deploy restarts it."""
    restricted: bool = False
    """Whether it has no capabilities and writes only to `/tmp` and volumes; operators can require it."""
    memory: str = "512m"
    """Memory limit of the service and of each of `services`, such as `512m`; the operator sets a maximum."""
    environments: Mapping[str, EnvironmentConfig] = field(default_factory=dict)
    """Named environments for `/deploy NAME`."""
    manifests: str | None = None
    """With `runner: kubernetes`, a directory of manifests (Jinja2); by default built-in manifests."""
    chart: str | None = None
    """With `runner: kubernetes`, the directory of a Helm chart, or the address of an allowed chart."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Chart values by path, such as `web.replicas`; placeholders such as `{host}` are replaced."""
    replace: bool = False
    """Whether to remove the present deployment first, instead of letting it answer until the new one does."""
    job: str | None = None
    """With `runner: jenkins`, the job to run; it reports the address of the service."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Job parameters besides `CHATOPS_…`; placeholders are replaced."""
    artifacts: tuple[str, ...] = RESULT_FILES
    """Archived files of the job that name the address."""
    timeout: int = 1800
    """Timeout of the job, in seconds; other runners use `health.timeout`."""


@dataclass(frozen=True, slots=True)
class TestConfig:
    """How automated tests run."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    __test__: ClassVar[bool] = False

    runner: RunnerName = RunnerName.DOCKER
    """Runner that runs the tests."""
    target: str | None = "test"
    """Stage of the Dockerfile to build and run; `null` runs the image that `test.image` names."""
    command: str | None = None
    """Shell command that runs the tests; by default the CMD or ENTRYPOINT of the stage itself."""
    suites: Mapping[str, str] = field(default_factory=dict)
    """Named test suites and their shell commands, for `/test NAME`; by default one suite, `default`."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables besides SERVICE_URL, JUNIT_PATH and CHATOPS_FAILED_TESTS."""
    secrets: tuple[str, ...] = ()
    """Operator's secrets that the tests read as files `/run/secrets/NAME`."""
    secret_env: Mapping[str, str] = field(default_factory=dict)
    """Variables and the names of their secrets; everyone who may use the engine can read these."""
    image: str | None = None
    """Which of `images` has the tests; by default the one that the service runs."""
    report: str = "/reports"
    """Directory or file in the container with the results, such as JUnit XML; its HTML reports are linked."""
    timeout: int = 900
    """Timeout of a test suite, in seconds."""
    memory: str = "1g"
    """Memory limit of a test suite, such as `2g`; the operator sets a maximum."""
    cpu: str | None = None
    """CPUs of a test suite, such as `2` or `0.5`; by default, and at most, as many as the operator sets."""
    job: str | None = None
    """With `runner: jenkins`, the job to run; the results that its `junit` step publishes are the report."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Job parameters besides `CHATOPS_…`; placeholders are replaced."""
    artifacts: tuple[str, ...] = ("**/junit*.xml", "**/TEST-*.xml")
    """Archived files of the job to read as test results if it publishes none."""


@dataclass(frozen=True, slots=True)
class TeardownConfig:
    """An additional step that removes an environment."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    runner: RunnerName | None = None
    """`jenkins` also runs a job; in any case, the runner that deployed an environment removes it."""
    job: str | None = None
    """Job that removes one environment."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Job parameters besides `CHATOPS_…`; placeholders are replaced."""
    timeout: int = 900
    """Timeout of the job, in seconds."""


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """When one of `services` is considered ready; without this section, once its port is open."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    path: str | None = None
    """URL path on `port` that must return a status below 400, within `deploy.health.timeout`."""
    command: tuple[str, ...] = ()
    """Command in the container that must exit with 0, instead of `path`."""


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """A container that the service needs, such as a database."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    image: str = ""
    """Image to run, or the name of one of `images`. Required."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the container."""
    secrets: tuple[str, ...] = ()
    """Operator's secrets that the container reads as files `/run/secrets/NAME`."""
    secret_env: Mapping[str, str] = field(default_factory=dict)
    """Variables and the names of their secrets; everyone who may use the engine can read these."""
    command: tuple[str, ...] = ()
    """Replaces the image's command."""
    entrypoint: tuple[str, ...] = ()
    """Replaces the image's entrypoint; its command then does not count."""
    working_dir: str | None = None
    """Replaces the image's working directory."""
    aliases: tuple[str, ...] = ()
    """Further hostnames under which the others reach it."""
    port: int | None = None
    """Port that must be open before what depends on it starts; the deployed service depends on all."""
    public: bool | str = False
    """Whether visitors reach it at `port` by HTTP: `true` gives it a host of its own, and a URL path such as
    `/api` that path of the preview's host."""
    health: ServiceHealth = field(default_factory=ServiceHealth)
    """When it is considered ready, if an open port is not enough."""
    depends_on: tuple[str, ...] = ()
    """Others of `services` that must be ready before it starts; without it, they start together."""
    volumes: tuple[str, ...] = ()
    """Folders of its data, such as `/var/lib/data`, outside of its root file system; see `deploy.data`."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files and folders of the commit to copy into it before it starts: by their paths in it, their paths in
    the repository."""
    memory: str | None = None
    """Memory limit, such as `1g`; by default `deploy.memory`. The operator sets a maximum."""


@dataclass(frozen=True, slots=True)
class PathFilter:
    """Which changed files start automatic runs."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    include: tuple[str, ...] = ("**",)
    """Patterns; at least one changed file must match one of them."""
    ignore: tuple[str, ...] = ()
    """Patterns of changed files to ignore, in the whole pull request and in each push."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All of `.chatops.yml`. Without the file, these defaults apply."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    version: Literal[1] = 1
    """Version of this format."""
    on: Automatic = field(default_factory=Automatic)
    """Commands that run automatically."""
    build: BuildConfig = field(default_factory=BuildConfig)
    """How the image is built. Submodules and files in Git LFS on the same Gitee are fetched."""
    ref: Literal["head", "merge"] = "head"
    """What is built, deployed and tested: the head of the pull request, or its merge into the base branch."""
    images: Mapping[str, BuildConfig] = field(default_factory=dict)
    """How the images are built if there are several, by their names; instead of `build`."""
    deploy: DeployConfig = field(default_factory=DeployConfig)
    """How the service is deployed."""
    test: TestConfig = field(default_factory=TestConfig)
    """How automated tests run."""
    teardown: TeardownConfig = field(default_factory=TeardownConfig)
    """An additional step that removes an environment."""
    services: Mapping[str, ServiceConfig] = field(default_factory=dict)
    """Containers that the service needs, by the hostname under which it reaches them."""
    paths: PathFilter = field(default_factory=PathFilter)
    """Which changed files start automatic runs."""
    language: Language | None = None
    """Language of the comments; by default the one that the operator sets."""

    @property
    def builds(self) -> Mapping[str, BuildConfig]:
        """How each image is built, by its name; the only image of `build` has none."""
        return self.images or {"": self.build}

    @property
    def served(self) -> str:
        """Name of the image that the service runs; empty for that of `build`."""
        return self.deploy.image or next(iter(self.builds))

    @property
    def tested(self) -> str:
        """Name of the image that has the tests; empty for that of `build`."""
        return self.test.image or self.served
