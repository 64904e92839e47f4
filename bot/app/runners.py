"""Opens the runners that the settings enable."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from bot.app import values
from bot.app.clock import SystemClock
from bot.core import sizes
from bot.model.errors import ChatOpsError
from bot.model.pipeline import RunnerName
from bot.ports import Builder, Disks, Jobs, Platform, Sandbox, SideBySide, Suspendable
from bot.runners.buildkit.builder import BuildKitBuilder
from bot.runners.buildkit.command import BuildKitOptions
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.container import ContainerLimits
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.disk_usage import DiskUsage
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.engine_space import EngineSpace
from bot.runners.docker.platform import DockerPlatform
from bot.runners.jenkins.build_follower import JenkinsTimeouts
from bot.runners.jenkins.client import JenkinsClient, JenkinsOptions
from bot.runners.jenkins.jobs import JenkinsJobs
from bot.secrets.sources import ReadCluster, no_cluster
from bot.settings.model import Settings

ENGINE_ANSWERS = 5.0
"""Seconds that the start of the bot waits for an engine."""


@dataclass(frozen=True, slots=True)
class Runners:
    """The enabled runners, by the ports that they implement."""

    builders: dict[RunnerName, Builder] = field(default_factory=dict)
    platforms: dict[RunnerName, Platform] = field(default_factory=dict)
    suspendable: dict[RunnerName, Suspendable] = field(default_factory=dict)
    jobs: dict[RunnerName, Jobs] = field(default_factory=dict)
    side_by_side: dict[RunnerName, SideBySide] = field(default_factory=dict)
    disks: dict[RunnerName, Disks] = field(default_factory=dict)


async def open_runners(settings: Settings, stack: AsyncExitStack, sandbox: Sandbox) -> Runners:
    """Open the enabled runners, which `stack` closes. Raises GiveUp for an unusable address of the engine."""
    runners = Runners()
    if settings.docker.enabled:
        await _open_docker(settings, stack, sandbox, runners)
    if settings.kubernetes.enabled:
        from bot.app.kubernetes import open_cluster  # noqa: PLC0415 - 20 MB of client

        cluster, platform = open_cluster(settings, sandbox)
        stack.push_async_callback(cluster.close)
        runners.platforms[RunnerName.KUBERNETES] = platform
        runners.suspendable[RunnerName.KUBERNETES] = platform
        if not settings.kubernetes.ingress_tls_secret:
            # An issuer would have to issue each deployment's namespace a certificate of its own.
            runners.side_by_side[RunnerName.KUBERNETES] = platform
    if settings.buildkit.address:
        runners.builders[RunnerName.KUBERNETES] = open_buildkit(settings)
    if settings.jenkins.url:
        jenkins = open_jenkins(settings, sandbox)
        stack.push_async_callback(jenkins.close)
        runners.jobs[RunnerName.JENKINS] = jenkins
    return runners


def cluster_reader(settings: Settings, stack: AsyncExitStack) -> ReadCluster:
    """Return what reads the secrets in the cluster, on a connection that `stack` closes."""
    if not any(secret.kubernetes for secret in settings.secrets.values()):
        return no_cluster
    from bot.app.kubernetes import open_secret_source  # noqa: PLC0415 - 20 MB of client

    cluster, read = open_secret_source(settings)
    stack.push_async_callback(cluster.close)
    return read


def open_buildkit(settings: Settings) -> BuildKitBuilder:
    """Return the builder that uses the buildkitd of the settings."""
    chosen, account = settings.buildkit, values.registry_account(settings)
    options = BuildKitOptions(
        chosen.address,
        chosen.tls_dir,
        cache=chosen.cache,
        network=chosen.network,
        instance=settings.docker.instance,
        insecure=settings.registry.url.startswith("http://"),
    )
    return BuildKitBuilder(options, *([account] if account else []))


def open_jenkins(settings: Settings, sandbox: Sandbox) -> JenkinsJobs:
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
    return JenkinsJobs(
        client,
        chosen.public_url or chosen.url,
        chosen.jobs,
        SystemClock(),
        sandbox,
        timeouts,
    )


async def _open_docker(settings: Settings, stack: AsyncExitStack, sandbox: Sandbox, runners: Runners) -> None:
    engine = await DockerEngine.connect(settings.docker.host)
    stack.push_async_callback(engine.close)
    usage = DiskUsage(engine, settings.docker.instance, sizes.parse(settings.docker.disk_max))
    builder = _docker_builder(settings, engine, sandbox, usage)
    platform = _docker_platform(settings, engine, usage)
    await _remove_outdated_rules(builder, platform)
    runners.builders[RunnerName.DOCKER] = builder
    runners.platforms[RunnerName.DOCKER] = platform
    runners.side_by_side[RunnerName.DOCKER] = platform
    runners.disks[RunnerName.DOCKER] = usage


def _docker_builder(
    settings: Settings, engine: DockerEngine, sandbox: Sandbox, usage: DiskUsage
) -> DockerBuilder:
    return DockerBuilder(
        engine,
        sandbox,
        instance=settings.docker.instance,
        credentials=_credentials(settings),
        network=settings.docker.build_network,
        space=EngineSpace(usage, sizes.parse(settings.limits.disk_free)),
        ports=settings.docker.build_ports,
        firewall="auto" if settings.docker.firewall else "off",
    )


def _docker_platform(settings: Settings, engine: DockerEngine, usage: DiskUsage) -> DockerPlatform:
    chosen = settings.docker
    return DockerPlatform(
        engine,
        instance=chosen.instance,
        credentials=_credentials(settings),
        pool=chosen.subnet_pool,
        limits=ContainerLimits(
            chosen.memory_max,
            chosen.cpus,
            chosen.pids,
            disk=sizes.parse(chosen.disk_max),
            restricted=chosen.restricted,
        ),
        firewall="auto" if chosen.firewall else "off",
        egress=values.egress_rules(settings),
        usage=usage,
    )


async def _remove_outdated_rules(builder: DockerBuilder, platform: DockerPlatform) -> None:
    """Delete the firewall rules of earlier settings; without an engine, the next build does it."""
    await platform.firewall.remove_outdated()
    await platform.ways_out.remove_outdated()
    with suppress(ChatOpsError, TimeoutError):
        async with asyncio.timeout(ENGINE_ANSWERS):
            await (await builder.firewall()).remove_outdated()


def _credentials(settings: Settings) -> Credentials:
    account = values.registry_account(settings)
    policy = values.build_policy(settings).images
    return Credentials(*([account] if account else []), policy=policy)
