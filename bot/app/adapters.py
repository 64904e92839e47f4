"""Opens and closes the adapters that the settings name."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bot.app.clock import SystemClock
from bot.dns.etcd import EtcdRecords
from bot.file_store import FileStore
from bot.gitee.client import GiteeClient
from bot.gitee.source import GitSource
from bot.gitee.transport import Transport
from bot.model.account import RegistryAccount
from bot.model.errors import ChatOpsError
from bot.model.pipeline import RunnerName
from bot.model.scan import Severity
from bot.ports import DnsRecords, Forge
from bot.registry.base import RegistryOptions
from bot.registry.harbor import HarborRegistry
from bot.registry.oci import OciRegistry
from bot.reports.files import RunFiles
from bot.reports.folder import FolderFileStore
from bot.runners.buildkit.builder import BuildKitBuilder
from bot.runners.buildkit.command import BuildKitOptions
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.container import ContainerLimits
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.platform import DockerPlatform
from bot.runners.jenkins.build_follower import JenkinsTimeouts
from bot.runners.jenkins.client import JenkinsClient, JenkinsOptions
from bot.runners.jenkins.jobs import JenkinsJobs
from bot.settings.model import Settings
from bot.steps.context import StepAdapters
from bot.store.database import Database, single_process
from bot.store.files import DatabaseFileStore

FILE_STORE_THREADS = 4
"""Database connections for run files, separate from the engine's, so that logs never delay it."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """The implementations of the ports that the engine, the steps and the pages use."""

    forge: Forge
    steps: StepAdapters
    files: RunFiles
    dns: DnsRecords | None = None
    """None if a wildcard DNS record is used."""

    async def readiness(self) -> Mapping[str, str | None]:
        """Check the adapters concurrently: None for each that answers, otherwise what is wrong with it.

        Jenkins is not checked: runs wait while it restarts, and webhooks must still be accepted.
        """
        names = ["gitee", "registry", *map(str, self.steps.platforms)]
        checks = [
            self._gitee(),
            self.steps.registry.ping(),
            *(platform.ping() for platform in self.steps.platforms.values()),
        ]
        return dict(zip(names, await asyncio.gather(*checks), strict=True))

    async def _gitee(self) -> str | None:
        try:
            await self.forge.whoami()
        except ChatOpsError as error:
            return str(error)
        return None


@asynccontextmanager
async def open_adapters(settings: Settings) -> AsyncIterator[Adapters]:
    """Open all adapters, without connecting yet. Raises GiveUp for an unusable address of the engine."""
    token = settings.gitee.token.get_secret_value()
    data = settings.server.data_dir
    async with AsyncExitStack() as stack:
        forge = GiteeClient(Transport(settings.gitee.api, token))
        stack.push_async_callback(forge.aclose)
        files = RunFiles(
            await stack.enter_async_context(open_file_store(settings)),
            masks=secrets(settings),
            language=settings.comments.language,
            log_limit=settings.limits.log_bytes,
        )
        registry = open_registry(settings)
        stack.push_async_callback(registry.close)
        source = GitSource(data / "git", settings.gitee.url, token, limit=settings.limits.source_bytes)
        steps = StepAdapters(source, registry, files, {}, {}, fail_on=_threshold(settings))
        for opened in (_docker, _cluster, _buildkit, _jenkins):
            steps = await opened(settings, steps, stack)
        dns = open_dns(settings)
        if dns is not None:
            stack.push_async_callback(dns.close)
        yield Adapters(forge, steps, files, dns)


def open_file_store(settings: Settings) -> AbstractAsyncContextManager[FileStore]:
    """Return the store of run files: a directory for a single replica, the database for several."""
    if single_process(settings.store_url):
        return nullcontext(FolderFileStore(settings.server.data_dir))
    return DatabaseFileStore.opened(Database(settings.store_url, threads=FILE_STORE_THREADS))


def secrets(settings: Settings) -> tuple[str, ...]:
    """Return all secrets, which must never appear in comments or logs."""
    found = (
        settings.gitee.token,
        *settings.gitee.webhook_secret,
        settings.registry.password,
        settings.kubernetes.pull_password,
        settings.jenkins.token,
        settings.jenkins.password,
    )
    return tuple(text for secret in found if (text := secret.get_secret_value()))


async def _docker(settings: Settings, steps: StepAdapters, stack: AsyncExitStack) -> StepAdapters:
    chosen, credentials = settings.docker, Credentials(*_registry_accounts(settings))
    if not chosen.enabled:
        return steps
    engine = await DockerEngine.connect(chosen.host)
    stack.push_async_callback(engine.close)
    builder = DockerBuilder(
        engine,
        instance=chosen.instance,
        credentials=credentials,
        network=chosen.build_network,
    )
    platform = DockerPlatform(
        engine,
        instance=chosen.instance,
        credentials=credentials,
        pool=chosen.subnet_pool,
        limits=ContainerLimits(chosen.memory_max, chosen.cpus, chosen.pids),
        firewall="auto" if chosen.firewall else "off",
    )
    return replace(
        steps,
        builders={**steps.builders, RunnerName.DOCKER: builder},
        platforms={**steps.platforms, RunnerName.DOCKER: platform},
    )


async def _cluster(settings: Settings, steps: StepAdapters, stack: AsyncExitStack) -> StepAdapters:
    if not settings.kubernetes.enabled:
        return steps
    from bot.app.kubernetes import open_cluster  # noqa: PLC0415 - 20 MB of client

    cluster, platform = open_cluster(settings)
    stack.push_async_callback(cluster.close)
    return replace(
        steps,
        platforms={**steps.platforms, RunnerName.KUBERNETES: platform},
        suspendable={RunnerName.KUBERNETES: platform},
    )


async def _buildkit(settings: Settings, steps: StepAdapters, _stack: AsyncExitStack) -> StepAdapters:
    if not settings.buildkit.address:
        return steps
    return replace(steps, builders={**steps.builders, RunnerName.KUBERNETES: open_buildkit(settings)})


async def _jenkins(settings: Settings, steps: StepAdapters, stack: AsyncExitStack) -> StepAdapters:
    if not settings.jenkins.url:
        return steps
    jenkins = open_jenkins(settings)
    stack.push_async_callback(jenkins.close)
    return replace(steps, jobs={**steps.jobs, RunnerName.JENKINS: jenkins})


def _threshold(settings: Settings) -> Severity | None:
    chosen = settings.registry.fail_on
    return Severity(chosen) if chosen else None


def open_jenkins(settings: Settings) -> JenkinsJobs:
    """Return the jobs of the Jenkins that the settings name; the caller closes them."""
    chosen = settings.jenkins
    client = JenkinsClient(
        JenkinsOptions(
            chosen.url,
            chosen.user,
            chosen.token.get_secret_value(),
            chosen.password.get_secret_value(),
            verify=not chosen.insecure,
        )
    )
    timeouts = JenkinsTimeouts(chosen.poll, chosen.queue_timeout, chosen.outage)
    return JenkinsJobs(client, chosen.public_url or chosen.url, chosen.jobs, SystemClock(), timeouts)


def open_buildkit(settings: Settings) -> BuildKitBuilder:
    """Return the builder that uses the buildkitd of the settings."""
    chosen, registry = settings.buildkit, settings.registry
    options = BuildKitOptions(
        chosen.address,
        chosen.tls_dir,
        cache=chosen.cache,
        network=chosen.network,
        instance=settings.docker.instance,
        insecure=registry.url.startswith("http://"),
    )
    return BuildKitBuilder(options, *_registry_accounts(settings))


def open_registry(settings: Settings) -> OciRegistry | HarborRegistry:
    """Return the registry that the settings name; the caller closes it."""
    chosen = settings.registry
    options = RegistryOptions(
        urlsplit(chosen.url).netloc,
        project=chosen.project,
        username=chosen.username,
        password=chosen.password.get_secret_value(),
        url=chosen.url,
        verify=not chosen.insecure,
    )
    if chosen.kind == "harbor":
        return HarborRegistry(options, scan_seconds=chosen.scan_seconds)
    return OciRegistry(options)


def open_dns(settings: Settings) -> EtcdRecords | None:
    """Return the DNS server that the bot writes records to, or None; the caller closes it."""
    chosen = settings.dns
    if not chosen.etcd:
        return None
    return EtcdRecords(
        chosen.etcd, zone=settings.preview.domain, address=chosen.address, path=chosen.etcd_path
    )


def _registry_accounts(settings: Settings) -> tuple[RegistryAccount, ...]:
    """Return the account that builds push with, or none where the registry takes anonymous pushes."""
    chosen = settings.registry
    if not chosen.username:
        return ()
    host = urlsplit(chosen.url).netloc
    return (RegistryAccount(host, chosen.username, chosen.password.get_secret_value()),)
