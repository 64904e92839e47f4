"""Where environments live: what is deployed there, tested beside it, found again and removed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.inventory import Item
from bot.model.run import Image
from bot.ports.surroundings import Log


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A container beside the service."""

    name: str
    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """Manifests or a chart, from the repository or, for a chart, from elsewhere."""

    path: str
    """Folder in the repository, or the address of a chart."""
    archive: Path | None = None
    """A tar of that folder."""
    chart: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    """What the chart is told, by the paths of its values."""


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """All that a platform needs to deploy one environment."""

    key: EnvironmentKey
    host: str
    """Public host name, for platforms that route by name themselves."""
    image: Image
    port: int | None
    """None means the first port that the image EXPOSEs."""
    env: Mapping[str, str]
    command: tuple[str, ...]
    services: Sequence[ServiceSpec]
    memory: str
    health_path: str | None
    health_timeout: int
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    """Login of the pull request's author."""
    expires: datetime | None = None
    """Until when it is to live, for platforms that write down what people may read there."""
    definition: Definition | None = None
    """The repository's own words about how it is deployed, for platforms that take them."""
    replace: bool = False
    """Whether what is there goes before the new comes."""


@dataclass(frozen=True, slots=True)
class TestSpec:
    """One suite to run beside a deployed environment."""

    __test__ = False

    key: EnvironmentKey
    suite: str
    image: str
    """Engine id or reference."""
    command: str
    """Shell command; empty means the image's own."""
    env: Mapping[str, str]
    report: str
    """Path inside the container that is read afterwards."""
    timeout: int
    memory: str
    labels: Mapping[str, str] = field(default_factory=dict)
    standalone: bool = False
    """There is no environment to test against: a network of the suite's own is made and removed."""


@dataclass(frozen=True, slots=True)
class TestOutput:
    """What a suite left behind: `files` are XML and HTML under the report path, by relative path."""

    __test__ = False

    exit_code: int
    files: Mapping[str, bytes]


class Platform(Protocol):
    """Where environments live: Docker on one machine, Kubernetes, Jenkins."""

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        """Replace the environment by this one and wait until it is healthy.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(CONTAINER_EXITED | UNHEALTHY |
        NO_PORT | OUT_OF_MEMORY | BASE_IMAGE_MISSING | CONFIG_INVALID).
        Never leaves a half-started environment behind.
        """
        ...

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        """Run one suite to its end, streaming its output; cancelling removes the container.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(TIMED_OUT | OUT_OF_MEMORY |
        NO_ENVIRONMENT | CONTAINER_EXITED | BASE_IMAGE_MISSING | CONFIG_INVALID).
        """
        ...

    async def stop_tests(self, key: EnvironmentKey) -> None:
        """Remove what suites of this environment left running that nobody follows; nothing there is fine."""
        ...

    def service_url(self, key: EnvironmentKey, port: int) -> str:
        """Return the address under which tests in the environment find the service."""
        ...

    async def remove(self, key: EnvironmentKey) -> None:
        """Remove containers and network of one environment; nothing there is fine."""
        ...

    async def remove_images(self, repo: RepoPath, number: int) -> None:
        """Remove the local images of a pull request; nothing there is fine."""
        ...

    async def inventory(self) -> tuple[Item, ...]:
        """Return everything there that carries the labels of this very bot, whoever of its runs has made it.

        What belongs to an environment names it, what runs a suite names its run. Leave out what does not
        say of which pull request it is: nobody could tell whose it is.
        Raises RetryLater(ENGINE_UNAVAILABLE) rather than leaving out what could not be read.
        """
        ...

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Remove exactly these, in this order; return those that are gone, whoever removed them.

        What still is in use stays, and is no error. Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        """Write down until when an environment lives, where its item says so; gone is fine.

        Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...

    async def ping(self) -> str | None:
        """Return None when the platform answers, else what is wrong."""
        ...


class Suspendable(Protocol):
    """A platform whose environments can stand without running: Kubernetes."""

    async def scale_down(self, key: EnvironmentKey) -> None:
        """Let nothing of an environment run, and keep what is needed to wake it; nothing there is fine.

        Raises RetryLater(CLUSTER_UNAVAILABLE), GiveUp(CLUSTER_REFUSED).
        """
        ...

    async def scale_up(self, key: EnvironmentKey, endpoint: Endpoint | None) -> None:
        """Let it run as it did before, and wait until it is up and answers at `endpoint`.

        One that does not sleep is waited for as well. Raises RetryLater(CLUSTER_UNAVAILABLE),
        GiveUp(CLUSTER_REFUSED), TellUser(NO_ENVIRONMENT) and whatever a rollout fails with.
        """
        ...


class DnsRecords(Protocol):
    """Where the names of previews are entered one by one; a wildcard record needs none of this."""

    async def publish(self, labels: Collection[str]) -> str | None:
        """Let these labels below the preview domain resolve for an hour from now.

        Return what is in the way, if anything is.
        """
        ...

    async def withdraw(self, labels: Collection[str]) -> str | None:
        """Let these labels resolve no longer; return likewise."""
        ...
