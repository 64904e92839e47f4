"""Platforms that host environments: deploy, test, list and remove them, and publish their DNS records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.model.disk import Written
from bot.model.egress import EgressRule
from bot.model.environment import Endpoint, EnvironmentKey, PublicService
from bot.model.forge import RepoPath
from bot.model.health import Part
from bot.model.holder import Holder
from bot.model.inventory import Item
from bot.model.pipeline import SetupCommand
from bot.model.run import Image
from bot.model.secrets import SecretValue
from bot.ports.surroundings import Log


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file of the commit that a container gets."""

    path: str
    """Absolute path in the container."""
    content: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A container that runs beside the deployed service, such as a database."""

    name: str
    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    port: int | None = None
    secrets: Sequence[SecretValue] = ()
    health_path: str | None = None
    """URL path that must answer; without one, an open port is enough."""
    depends_on: Sequence[str] = ()
    """Names of those that must be ready before it starts."""
    volumes: Sequence[str] = ()
    """Paths in the container at which it has volumes of its own, removed with it."""
    memory: str | None = None
    """None means as much as the deployed service."""
    files: Sequence[CopiedFile] = ()
    """Files of the commit that it has before it starts."""
    built: bool = False
    """Whether the image is one of the commit's own, for which the same limits apply as for the service's."""
    entrypoint: tuple[str, ...] = ()
    working_dir: str | None = None
    aliases: Sequence[str] = ()
    """Further hostnames under which the others reach it."""
    health_command: tuple[str, ...] = ()
    """Command in the container that must succeed instead."""


@dataclass(frozen=True, slots=True)
class Definition:
    """Manifests or a chart from the repository, or a chart from elsewhere."""

    path: str
    """Folder in the repository, or the address of a chart."""
    archive: Path | None = None
    """A tar of that folder."""
    chart: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    """Values for the chart, by their paths."""


@dataclass(frozen=True, slots=True)
class SetupSpec:
    """What prepares the data of an environment after its services are ready, before the service starts."""

    commands: tuple[SetupCommand, ...] = ()
    """Shell commands, each for a container like that of its service; they run in order, to their ends."""
    timeout: int = 600
    """Seconds within which each of them must end."""


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """Everything that a platform needs to deploy an environment."""

    key: EnvironmentKey
    host: str
    """Public hostname, for platforms that route by hostname themselves."""
    image: Image
    """Image of the service, with the others of the commit beside it."""
    port: int | None
    """None means the port for the web among those that the image exposes."""
    env: Mapping[str, str]
    command: tuple[str, ...]
    services: Sequence[ServiceSpec]
    memory: str
    health_path: str | None
    health_timeout: int
    entrypoint: tuple[str, ...] = ()
    working_dir: str | None = None
    aliases: Sequence[str] = ()
    """Hostnames under which the services reach the service itself, besides the platform's own."""
    http: bool = True
    """Whether the service speaks HTTP, so that it is ready only once it answers."""
    trusted: bool = True
    """Whether only people with write access can have pushed the commit."""
    restricted: bool = False
    """Whether the service must run without capabilities and with a read-only root file system."""
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    """Login of the pull request's author."""
    expires: datetime | None = None
    """When the environment expires, for platforms that label it with that."""
    definition: Definition | None = None
    """The repository's own manifests or chart, for platforms that support them."""
    replace: bool = False
    """Whether the old deployment is removed before the new one is created."""
    secrets: Sequence[SecretValue] = ()
    """Those of the deployed service itself."""
    setup: SetupSpec = field(default_factory=SetupSpec)
    public: Sequence[PublicService] = ()
    """Those of its services that visitors reach."""
    keeps_data: bool = False
    """Whether the volumes of the services outlive the deployment, and are those of the one before it."""
    renews_data: bool = False
    """Whether they begin anew all the same."""
    egress: EgressRule | None = None
    """Networks outside that it may reach, None for none."""
    beside: Holder | None = None
    """The deployment that answers until this one does, and stays; see `SideBySide`."""


@dataclass(frozen=True, slots=True)
class TestSpec:
    """A test suite to run beside a deployed environment."""

    __test__ = False

    key: EnvironmentKey
    suite: str
    image: str
    """Engine id or reference."""
    command: str
    """Shell command; empty means the command of the image."""
    env: Mapping[str, str]
    report: str
    """Path inside the container from which the results are read afterwards."""
    timeout: int
    memory: str
    labels: Mapping[str, str] = field(default_factory=dict)
    standalone: bool = False
    """Whether there is no environment: the suite gets a network of its own, which is removed afterwards."""
    secrets: Sequence[SecretValue] = ()
    cpus: float | None = None
    """None means as many as the operator allows."""


@dataclass(frozen=True, slots=True)
class TestOutput:
    """The result of a suite: `files` are the XML, TRX and HTML files of its report, by relative path."""

    __test__ = False

    exit_code: int
    files: Mapping[str, bytes]


class Platform(Protocol):
    """Hosts environments: Docker on one machine, or a Kubernetes cluster."""

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        """Deploy the environment in place of the present one, or beside it, and wait until it is healthy.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(CONTAINER_EXITED | UNHEALTHY | NO_HTTP | READ_ONLY | NOT_PERMITTED | NO_PORT |
        OUT_OF_MEMORY | IMAGE_MISSING | IMAGE_HOST_UNKNOWN | SETUP_FAILED | SETUP_TIMED_OUT).
        After an error, nothing half started remains; what is newer than the spec's labels always does.
        Cancelling touches nothing: the caller knows why, and calls `remove` if the work was stopped.
        Raises Overtaken if a later run or attempt has deployed the environment already.
        """
        ...

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        """Run a suite to its end and stream its output. Cancelling touches nothing that others may own.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(TIMED_OUT | OUT_OF_MEMORY | NO_ENVIRONMENT | CONTAINER_EXITED | IMAGE_MISSING |
        IMAGE_HOST_UNKNOWN).
        """
        ...

    async def stop_tests(self, key: EnvironmentKey, holder: Holder) -> None:
        """Remove what this holder and older ones have left of this environment's suites."""
        ...

    async def service_url(self, key: EnvironmentKey, port: int) -> str:
        """Return the URL under which tests in the environment reach the service.

        Raises as `run_tests` does.
        """
        ...

    async def remove(self, key: EnvironmentKey, holder: Holder, *, keep_data: bool = False) -> None:
        """Remove what this holder and older ones have of an environment, with its containers and network.

        With `keep_data`, the data stays that earlier runs have made for later deployments.
        """
        ...

    async def remove_images(self, repo: RepoPath, number: int, holder: Holder) -> None:
        """Remove the local images of a pull request that this holder and older ones have built."""
        ...

    async def inventory(self) -> tuple[Item, ...]:
        """Return all resources with the labels of this bot's instance, whichever run created them.

        Parts of an environment name the environment, parts of a suite name its run. Resources without a pull
        request are skipped, because their owner is unknown. Raises RetryLater(ENGINE_UNAVAILABLE) if anything
        cannot be read: the inventory is complete, or fails.
        """
        ...

    async def parts(self) -> Mapping[EnvironmentKey, Sequence[Part]]:
        """Return the parts of all environments of this bot's instance, without those of test suites.

        Takes few calls, however many environments there are, and more only for parts that look unwell.
        Raises RetryLater(ENGINE_UNAVAILABLE | CLUSTER_UNAVAILABLE) if anything cannot be read.
        """
        ...

    async def parts_of(self, key: EnvironmentKey) -> Sequence[Part]:
        """Return the parts of one environment, of all its deployments, each with run and store.

        Raises as `parts` does.
        """
        ...

    async def output(self, part: Part, lines: int = 20) -> str:
        """Return the last lines of a part's output; empty if there are none.

        Of a part that `parts` returned only if it is unwell, of one that `parts_of` returned in any case.
        Raises as `parts` does.
        """
        ...

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Remove exactly these items, unless newer ones replaced them; return those that no longer exist.

        Items that are still in use remain, which is no error. Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...

    async def endpoint(self, key: EnvironmentKey) -> Endpoint | None:
        """Return where a deployed environment answers, None if the platform does not know.

        Raises RetryLater(ENGINE_UNAVAILABLE | CLUSTER_UNAVAILABLE).
        """
        ...

    async def renew_ownership(self, items: Sequence[Item], store: str, until: datetime) -> None:
        """Say that the bot with this store owns these items until then, for other bots to read.

        Raises as `endpoint` does.
        """
        ...

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        """Label an environment's item with a new expiry, if the item still exists.

        Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...

    async def ping(self) -> str | None:
        """Return None when the platform answers, else what is wrong."""
        ...


class SideBySide(Protocol):
    """A platform that can deploy an environment while its present deployment still answers.

    After `Platform.deploy` with `beside`, both exist, each with its own endpoint, until `retire`.
    """

    async def has_room(self, spec: EnvironmentSpec) -> bool:
        """Return whether there is memory for this deployment and another one like it.

        Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...

    async def retire(self, key: EnvironmentKey, holder: Holder) -> None:
        """Remove what earlier runs have deployed, once visitors have had time to get their answers.

        Their data goes too. Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...

    async def discard(self, key: EnvironmentKey, holder: Holder) -> None:
        """Remove what the holder's run has deployed, in this attempt and older ones, and nothing else.

        Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...


class Suspendable(Protocol):
    """A platform whose environments can be scaled to zero and back: Kubernetes."""

    async def scale_down(self, key: EnvironmentKey, holder: Holder) -> None:
        """Scale to zero what this holder and older ones have of an environment, and keep its former scale.

        Raises RetryLater(CLUSTER_UNAVAILABLE), also if it changes meanwhile, and GiveUp(CLUSTER_REFUSED).
        """
        ...

    async def scale_up(self, key: EnvironmentKey, endpoint: Endpoint | None) -> None:
        """Scale an environment to its former size, and wait until it is up and answers at `endpoint`.

        An environment that is not at zero is waited for as well. Raises RetryLater(CLUSTER_UNAVAILABLE),
        GiveUp(CLUSTER_REFUSED), TellUser(NO_ENVIRONMENT), and the errors of a failed rollout.
        """
        ...


class Disks(Protocol):
    """A platform whose containers write to a disk of one machine: Docker."""

    async def folder(self) -> Path | None:
        """Return the folder with the containers' files; None if it is on another machine, or unknown."""
        ...

    async def written(self) -> Sequence[Written]:
        """Return what each container has written, also that of stopped ones.

        Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...

    async def kill(self, container: str) -> bool:
        """Kill a container; False if it did not run. The run that waits for it says why it was killed.

        Raises as `written` does.
        """
        ...


class DnsRecords(Protocol):
    """A DNS server that needs one record for each preview; with a wildcard record there is none."""

    async def publish(self, labels: Collection[str]) -> str | None:
        """Publish records for these labels below the preview domain, which expire after an hour.

        Returns None, or why that is impossible.
        """
        ...

    async def withdraw(self, labels: Collection[str]) -> str | None:
        """Delete the records of these labels. Returns None, or why that is impossible."""
        ...
