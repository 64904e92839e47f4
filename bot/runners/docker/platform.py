"""Deploys, tests and removes environments on one Docker Engine."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.core import naming
from bot.core.admission.images import name_of
from bot.core.deciding.web_port import web_port
from bot.core.runs.fencing import holder_of
from bot.model.egress import EgressRule
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import GiveUp, Overtaken, RetryLater, TellUser
from bot.model.forge import RepoPath
from bot.model.health import Part
from bot.model.holder import Holder
from bot.model.inventory import Item
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec, Log, TestOutput, TestSpec
from bot.runners.cleanup import uninterrupted, unless_cancelled
from bot.runners.docker import labels
from bot.runners.docker.container import (
    ContainerKind,
    ContainerLimits,
    ContainerSpec,
    allowed_memory,
    configuration,
)
from bot.runners.docker.containers import Containers, restarts
from bot.runners.docker.credentials import Credentials
from bot.runners.docker.deployment import APP_FOR_BROWSERS, Deployment
from bot.runners.docker.disk_usage import DiskUsage
from bot.runners.docker.egress import egress_rules
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.firewall import Firewall, Mode, preview_rules
from bot.runners.docker.health import Health, OverDisk
from bot.runners.docker.images import Images, exposed_ports
from bot.runners.docker.inventory import Inventory, container_item, network_item
from bot.runners.docker.kept_volumes import Data, KeptVolumes
from bot.runners.docker.network import Network, Networks, bridge_prefix
from bot.runners.docker.one_off import OneOff
from bot.runners.docker.parts import Parts
from bot.runners.docker.secret_files import SecretFiles, holder_of_secrets
from bot.runners.docker.tests_container import TestsContainer
from bot.runners.lines import LogWriter

DRAIN = 2.0
"""Seconds for the visitors of a deployment to get their answers after the next one has taken over."""
POOL = "10.231.0.0/16"
"""Default range of the environments' subnets: 4,096 of them, outside of the engine's own pools."""


class DockerPlatform:
    """The `Platform` of one engine. `instance` names this bot; it ignores what has another name."""

    def __init__(
        self,
        engine: DockerEngine,
        *,
        instance: str,
        credentials: Credentials | None = None,
        pool: str = POOL,
        limits: ContainerLimits | None = None,
        firewall: Mode = "auto",
        egress: Sequence[EgressRule] = (),
        usage: DiskUsage | None = None,
        drain: float = DRAIN,
    ) -> None:
        self._engine = engine
        self._instance = instance
        self._limits = limits or ContainerLimits()
        self._drain = drain
        self._images = Images(engine, credentials or Credentials())
        self._containers = Containers(engine)
        self._secret_files = SecretFiles(engine, self._containers)
        self._usage = usage or DiskUsage(engine, instance, self._limits.disk)
        self._networks = Networks(engine, instance, pool)
        self._inventory = Inventory(engine, instance, self._containers, self._networks, self._images)
        self._parts = Parts(engine, self._containers, instance)
        self.firewall = Firewall(instance, preview_rules(bridge_prefix(instance)), firewall)
        self._has_ways_out = bool(egress)
        # Never off: ways out of earlier settings must stay closed.
        self.ways_out = Firewall(instance, egress_rules(instance, egress), "auto", "egress")

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        """Deploy; see `Platform.deploy`."""
        holder, writer = holder_of(spec.labels), LogWriter(log)
        await self._block_host_ports(log)
        await self._bound(spec.egress, log)
        kept = KeptVolumes(self._engine, spec.key, self._instance)
        newer = await self._remove(self._labels(spec.key), holder, spec.beside)
        if newer or (newer := await kept.newer(holder)):
            raise Overtaken(Reason.ENGINE_UNAVAILABLE, newer)
        try:
            data = await kept.prepared(spec, writer)
            marked = labels.of_preview(spec.host.partition(".")[0], spec.expires, spec.public)
            name = naming.network(spec.key, self._instance, holder.run)
            labeled = {**self._labels_for(spec.labels, spec.key), **marked}
            network = await self._networks.create(name, labeled, spec.egress)
            return await self._deployment(spec, network, data, writer).run()
        except Exception:
            await uninterrupted(self._clear(spec, holder))
            raise

    async def has_room(self, spec: EnvironmentSpec) -> bool:
        """Compare the limits of two deployments with the engine's memory; see `SideBySide.has_room`."""
        asked = (spec.memory, *(service.memory or spec.memory for service in spec.services))
        each = sum(allowed_memory(memory, self._limits.memory) for memory in asked)
        total = int((await self._engine.get("/info")).get("MemTotal") or 0)
        return not total or 2 * each <= total

    async def retire(self, key: EnvironmentKey, holder: Holder) -> None:
        """Remove older deployments; see `SideBySide.retire`."""
        older, _ = labels.parted(await self._containers.labeled(self._labels(key)), holder, spared=holder)
        if older:
            await asyncio.sleep(self._drain)
        await self._remove(self._labels(key), holder, spared=holder)
        await KeptVolumes(self._engine, key, self._instance).remove(holder, of_earlier_runs=True)

    async def discard(self, key: EnvironmentKey, holder: Holder) -> None:
        """Remove what one run has deployed; see `SideBySide.discard`."""
        await self._remove({**self._labels(key), naming.LABEL_RUN: str(holder.run)}, holder)

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        """Run one suite; see `Platform.run_tests`."""
        name = naming.network(spec.key, self._instance)
        network = await self._network(spec.key) or await self._networks.find(
            {**self._labels(spec.key), labels.LABEL_ROLE: ContainerKind.TESTS}, {name}
        )
        if network or not spec.standalone:
            return await self._run_tests(spec, network, log)
        await self._block_host_ports(log)
        async with unless_cancelled(lambda: self.stop_tests(spec.key, holder_of(spec.labels))):
            marked = self._labels_for(spec.labels, spec.key, ContainerKind.TESTS)
            return await self._run_tests(spec, await self._networks.create(name, marked), log)

    async def stop_tests(self, key: EnvironmentKey, holder: Holder) -> None:
        """Remove the containers of suites, and the network of a standalone one; see `Platform.stop_tests`."""
        await self._remove({**self._labels(key), labels.LABEL_ROLE: ContainerKind.TESTS}, holder)

    async def service_url(self, key: EnvironmentKey, port: int) -> str:
        """Return the URL of the service for tests; see `Platform.service_url`."""
        del key
        return f"http://{APP_FOR_BROWSERS}:{port}"

    async def remove(self, key: EnvironmentKey, holder: Holder, *, keep_data: bool = False) -> None:
        """Remove one environment; see `Platform.remove`."""
        await self._remove(self._labels(key), holder)
        await KeptVolumes(self._engine, key, self._instance).remove(holder, of_earlier_runs=not keep_data)

    async def remove_images(self, repo: RepoPath, number: int, holder: Holder) -> None:
        """Remove a pull request's images; see `Platform.remove_images`."""
        await self._images.remove(labels.of_pull(self._instance, repo, number), holder)

    async def inventory(self) -> tuple[Item, ...]:
        """Return this bot's items; see `Platform.inventory`."""
        return await self._inventory.list()

    async def parts(self) -> Mapping[EnvironmentKey, Sequence[Part]]:
        """Return the parts of this bot's environments; see `Platform.parts`."""
        return await self._parts.find()

    async def parts_of(self, key: EnvironmentKey) -> Sequence[Part]:
        """Return the parts of one environment; see `Platform.parts_of`."""
        return await self._parts.of(key)

    async def output(self, part: Part, lines: int = 20) -> str:
        """Return the last output of a part; see `Platform.output`."""
        return await self._parts.output(part, lines)

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Remove items; see `Platform.remove_items`."""
        return await self._inventory.remove_items(items)

    async def endpoint(self, key: EnvironmentKey) -> Endpoint | None:
        """Return the address of the service's container; see `Platform.endpoint`."""
        container = await self._serving(key)
        network = await self._network(key, container)
        if network is None or container is None:
            return None
        port = labels.port(container["Config"].get("Labels") or {}) or web_port(exposed_ports(container)) or 0
        return network.endpoint(port) if port else None

    async def renew_ownership(self, items: Sequence[Item], store: str, until: datetime) -> None:
        """Replace the volumes that say so; see `Platform.renew_ownership`."""
        stores = {item.store for item in items if item.store}
        if stores:
            await self._inventory.owners.renew(stores, store, until)

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        """Do nothing: items of an engine have no expiry label."""
        del item, expires

    async def ping(self) -> str | None:
        """Return what is wrong with the engine, if anything is."""
        try:
            await self._engine.version()
        except (RetryLater, GiveUp) as error:
            return str(error.facts.get("message", error))
        problem = await self.firewall.ensure()
        if self._has_ways_out:
            await self.ways_out.ensure()  # Somebody may have removed the rules.
        return problem if self.firewall.required else None

    async def _block_host_ports(self, log: Log) -> None:
        problem = await self.firewall.ensure()
        if problem and self.firewall.required:
            raise RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": f"firewall: {problem}"})
        if problem:
            log.note(f"the service can reach this host's own ports: {problem}")

    async def _bound(self, egress: EgressRule | None, log: Log) -> None:
        """Set the firewall rules of the ways out; without them, nothing may be deployed that has one."""
        if egress is None:
            return
        if problem := "[docker] firewall = false" if self.firewall.off else await self.ways_out.ensure():
            raise GiveUp(Reason.EGRESS_UNBOUNDED, {"name": egress.name, "message": problem})
        log.note(f"may reach {', '.join(egress.cidrs)} ({egress.name})")

    async def _remove(
        self, wanted: Mapping[str, str], holder: Holder, spared: Holder | None = None
    ) -> list[Item]:
        """Remove what has these labels and is not newer than the holder; return what is newer.

        What the spared holder's run has created stays.
        """
        containers = await self._containers.remove_all(wanted, holder, spared)
        networks = await self._networks.remove(wanted, holder, spared)
        newer = (*map(container_item, containers), *map(network_item, networks))
        return [item for item in newer if item is not None]

    async def _clear(self, spec: EnvironmentSpec, holder: Holder) -> None:
        """Remove what a deployment that has failed has made; the data of earlier ones stays."""
        await self._remove(self._labels(spec.key), holder, spec.beside)
        await KeptVolumes(self._engine, spec.key, self._instance).remove(holder, of_earlier_runs=False)

    async def _serving(self, key: EnvironmentKey) -> Mapping[str, Any] | None:
        """Return the service's container of the newest deployment that was ready, else of the newest one."""
        wanted = {**self._labels(key), labels.LABEL_ROLE: ContainerKind.APP}
        listed = await self._containers.labeled(wanted)
        newest = sorted(listed, key=lambda found: holder_of(found["Labels"]), reverse=True)
        found = [await self._containers.find(str(one["Id"])) for one in newest]
        there = [container for container in found if container is not None]
        return next(filter(restarts, there), next(iter(there), None))

    async def _network(
        self, key: EnvironmentKey, container: Mapping[str, Any] | None = None
    ) -> Network | None:
        """Return the network of the deployment that serves, or that of a given container of it."""
        container = container or await self._serving(key)
        networks = container["NetworkSettings"]["Networks"] if container else ()
        return await self._networks.find(self._labels(key), networks)

    async def _run_tests(self, spec: TestSpec, network: Network | None, log: Log) -> TestOutput:
        if network is None:
            raise TellUser(Reason.NO_ENVIRONMENT)
        writer = LogWriter(log)
        image = await self._images.ensure(spec.image, writer, own=name_of(spec.image))
        name = naming.container(spec.key, f"tests-{naming.slug(spec.suite)}", self._instance)
        marked = self._labels_for(spec.labels, spec.key, ContainerKind.TESTS)
        held = await self._secret_files.hold(holder_of_secrets(name), spec.secrets, image, marked)
        try:
            return await self._run_container(
                name, _tests_container(spec, network, marked, held), spec, writer
            )
        finally:
            if held:
                await uninterrupted(self._containers.remove(held))

    async def _run_container(
        self, name: str, container: ContainerSpec, spec: TestSpec, writer: LogWriter
    ) -> TestOutput:
        over_disk = OverDisk(self._usage, self._limits.disk)
        one_off = OneOff(spec.suite, self._containers, writer, over_disk)
        suite = TestsContainer(self._engine, spec, one_off)
        return await suite.run(name, configuration(container, self._limits))

    def _deployment(
        self, spec: EnvironmentSpec, network: Network, data: Data, writer: LogWriter
    ) -> Deployment:
        return Deployment(
            spec=spec,
            network=network,
            limits=self._limits,
            images=self._images,
            containers=self._containers,
            secret_files=self._secret_files,
            health=Health(self._containers),
            over_disk=OverDisk(self._usage, self._limits.disk),
            writer=writer,
            labels={kind: self._labels_for(spec.labels, spec.key, kind) for kind in ContainerKind},
            data=data,
            names=lambda part: naming.container(spec.key, part, self._instance, holder_of(spec.labels).run),
        )

    def _labels(self, key: EnvironmentKey) -> dict[str, str]:
        return labels.of_environment(self._instance, key)

    def _labels_for(
        self, extra: Mapping[str, str], key: EnvironmentKey, kind: ContainerKind | None = None
    ) -> dict[str, str]:
        return {**extra, **self._labels(key), **({labels.LABEL_ROLE: kind} if kind else {})}


def _tests_container(spec: TestSpec, network: Network, marked: Mapping[str, str], held: str) -> ContainerSpec:
    return ContainerSpec(
        kind=ContainerKind.TESTS,
        alias="tests",
        image=spec.image,
        network=network.name,
        memory=spec.memory,
        cpus=spec.cpus,
        labels=marked,
        env=spec.env,
        entrypoint=("/bin/sh", "-c") if spec.command else (),
        command=(spec.command,) if spec.command else (),
        secrets=spec.secrets,
        volumes_from=held,
        resolvers=network.resolvers,
    )
