"""The `Platform` of a Kubernetes cluster."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.core.admission.egress import reachable
from bot.core.naming import LABEL_DATA
from bot.core.runs.fencing import holder_of, may_remove, same_run
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import ChatOpsError, GiveUp, TellUser
from bot.model.forge import RepoPath
from bot.model.health import Part
from bot.model.holder import Holder
from bot.model.inventory import Item
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec, Log, Sandbox, TestOutput, TestSpec
from bot.runners.cleanup import uninterrupted, unless_cancelled
from bot.runners.kubernetes import applying, job_run
from bot.runners.kubernetes.charts import Charts
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.guardrails import NamespaceOwner
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.kept_claims import KeptClaims
from bot.runners.kubernetes.namespace import Namespaces
from bot.runners.kubernetes.namespace_secrets import NamespaceSecrets, granted_to
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.parts import Parts
from bot.runners.kubernetes.plans import DeploymentPlanner
from bot.runners.kubernetes.pure import cluster_labels
from bot.runners.kubernetes.pure.entry_service import APP
from bot.runners.kubernetes.pure.slots import STARTING, Place, Slot
from bot.runners.kubernetes.rollout import Rollout
from bot.runners.kubernetes.routes import Routes
from bot.runners.kubernetes.suite import SuiteRun, stop
from bot.runners.kubernetes.suite_job import TESTS
from bot.runners.kubernetes.workloads import Workloads
from bot.runners.lines import LogWriter
from bot.runners.setup import SETUP

logger = logging.getLogger(__name__)

DRAIN = 2.0
"""Seconds for the visitors of a deployment to get their answers after the next one has taken over."""


class KubernetesPlatform:
    """Deploys, tests and removes environments in one cluster."""

    def __init__(
        self,
        cluster: Cluster,
        options: KubernetesOptions,
        helm: Helm,
        sandbox: Sandbox,
        drain: float = DRAIN,
    ) -> None:
        self._cluster = cluster
        self._sandbox = sandbox
        self._drain = drain
        self._charts = Charts(cluster, helm, options.charts)
        self._options = options
        self._namespaces = Namespaces(cluster, options)
        self._routes = Routes(cluster)
        self._parts = Parts(cluster, self._namespaces, options.instance)

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        """Deploy; see `Platform.deploy`."""
        writer = LogWriter(log)
        labels = self._labels(spec.key, spec.labels)
        mine = holder_of(labels)
        place = await self._namespaces.place(spec.key, mine, spec.beside)
        for outdated in place.outdated:
            await self._discard(outdated, spec.key, mine)
        await self._lead_to_present(spec.key)  # An earlier attempt may have ended while it took over.
        try:
            return await self._deploy(spec, place, labels, writer)
        except Exception:
            # Deletion takes seconds; the next deployment waits for it.
            await uninterrupted(self._clear(place.name, spec.key, mine))
            raise

    async def _deploy(
        self, spec: EnvironmentSpec, place: Place, labels: Mapping[str, str], writer: LogWriter
    ) -> Endpoint:
        namespace = place.name
        planner = DeploymentPlanner(spec, namespace, self._options, self._charts, self._sandbox)
        plan = await planner.plan()
        host, entry = spec.host.partition(".")[0], f"{plan.entry.service}:{plan.entry.port}"
        egress = reachable(spec.egress.cidrs) if spec.egress else ()
        marked = {**labels, LABEL_DATA: "kept"} if spec.keeps_data else labels
        owner = NamespaceOwner(spec.key, marked, spec.owner, spec.expires, host, entry, spec.public, egress)
        starting = {cluster_labels.LABEL_ROLE: STARTING} if place.former else {}
        await self._namespaces.ensure(namespace, replace(owner, labels={**marked, **starting}))
        writer.line(f"namespace {namespace}")
        await NamespaceSecrets(self._cluster, namespace, labels).of_deployment(granted_to(spec))
        # Manifests without `replicas` would leave a sleeping workload at zero.
        await Workloads(self._cluster, namespace).scale_up()
        rollout = Rollout(spec, namespace, self._cluster, self._charts, self._options, labels, writer)
        endpoint = await rollout.run(plan, place.former)
        if starting:
            await self._namespaces.ensure(namespace, owner)
        return endpoint

    async def has_room(self, spec: EnvironmentSpec) -> bool:
        """Return True; if no node has room, the deployment fails and says so. See `SideBySide.has_room`."""
        del spec
        return True

    async def retire(self, key: EnvironmentKey, holder: Holder) -> None:
        """Delete the namespaces of older deployments; see `SideBySide.retire`."""
        for slot in await self._namespaces.of(key):
            if may_remove(slot.labels, holder) and not same_run(slot.labels, holder):
                await asyncio.sleep(self._drain)
                await self._discard(slot.name, key, holder)

    async def discard(self, key: EnvironmentKey, holder: Holder) -> None:
        """Delete the namespace of one run's deployment; see `SideBySide.discard`."""
        for slot in await self._namespaces.of(key):
            if may_remove(slot.labels, holder) and same_run(slot.labels, holder):
                await self._routes.suspend(slot.name, holder.run)
                await self._discard(slot.name, key, holder)
        await self._lead_to_present(key)

    async def _lead_to_present(self, key: EnvironmentKey) -> None:
        """Lead visitors to the present deployment, if the one that was to take over from it is gone."""
        if present := await self._namespaces.present(key):
            await self._routes.resume(present.name)

    async def _discard(self, namespace: str, key: EnvironmentKey, holder: Holder) -> None:
        await self._uninstall(namespace)
        await self._namespaces.request_deletion(namespace, key, holder)

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        """Run one suite; see `Platform.run_tests`."""
        labels = self._labels(spec.key, spec.labels)
        if present := await self._namespaces.present(spec.key):
            return await self._run_tests(spec, present.name, labels, LogWriter(log))
        if not spec.standalone:
            raise TellUser(Reason.NO_ENVIRONMENT)
        made = {**labels, cluster_labels.LABEL_ROLE: TESTS}
        async with unless_cancelled(lambda: self._namespaces.remove(spec.key, holder_of(labels))):
            place = await self._namespaces.place(spec.key, holder_of(labels))
            await self._namespaces.ensure(place.name, NamespaceOwner(spec.key, made))
            return await self._run_tests(spec, place.name, labels, LogWriter(log))

    async def stop_tests(self, key: EnvironmentKey, holder: Holder) -> None:
        """Delete the Jobs of suites, or the namespace of standalone ones; see `Platform.stop_tests`."""
        for slot in await self._namespaces.of(key):
            if slot.labels.get(cluster_labels.LABEL_ROLE) == TESTS:
                await self._namespaces.remove(key, holder)
            else:
                await stop(self._cluster, slot.name, holder)

    async def service_url(self, key: EnvironmentKey, port: int) -> str:
        """Return the URL under which tests reach the service; see `Platform.service_url`."""
        # Browsers open a host in the top-level domain `app` only by HTTPS, so it needs more than its name.
        present = await self._namespaces.present(key)
        if present is None:
            raise TellUser(Reason.NO_ENVIRONMENT)
        return f"http://{APP}.{present.name}.svc:{port}"

    async def remove(self, key: EnvironmentKey, holder: Holder, *, keep_data: bool = False) -> None:
        """Remove one environment; see `Platform.remove`."""
        slots = await self._namespaces.of(key)
        for slot in slots:
            if may_remove(slot.labels, holder):
                await self._uninstall(slot.name)
        kept = [slot.name for slot in slots if keep_data and await self._cleared(slot, key, holder)]
        await self._namespaces.remove(key, holder, spared=kept)

    async def scale_down(self, key: EnvironmentKey, holder: Holder) -> None:
        """Scale one environment to nothing; see `Suspendable.scale_down`."""

        async def scalable() -> str:
            present = await self._namespaces.present(key)
            return present.name if present and may_remove(present.labels, holder) else ""

        async def allowed() -> bool:
            return await scalable() == namespace

        if namespace := await scalable():
            await Workloads(self._cluster, namespace).scale_down(allowed)

    async def scale_up(self, key: EnvironmentKey, endpoint: Endpoint | None) -> None:
        """Scale one environment to what it was; see `Suspendable.scale_up`."""
        present = await self._namespaces.present(key)
        if present is None:
            raise TellUser(Reason.NO_ENVIRONMENT)
        workloads = Workloads(self._cluster, present.name)
        await workloads.scale_up()
        await workloads.until_up(endpoint)

    async def remove_images(self, repo: RepoPath, number: int, holder: Holder) -> None:
        """Do nothing: nodes clean up their images themselves."""
        del repo, number, holder

    async def inventory(self) -> tuple[Item, ...]:
        """Return the namespaces of this bot, one per environment; see `Platform.inventory`."""
        return await self._namespaces.all_of_instance()

    async def parts(self) -> Mapping[EnvironmentKey, Sequence[Part]]:
        """Return the workloads of this bot's environments; see `Platform.parts`."""
        return await self._parts.find()

    async def parts_of(self, key: EnvironmentKey) -> Sequence[Part]:
        """Return the workloads of one environment; see `Platform.parts_of`."""
        return await self._parts.of(key)

    async def output(self, part: Part, lines: int = 20) -> str:
        """Return the last output of a workload; see `Platform.output`."""
        return await self._parts.output(part, lines)

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Request deletion of these namespaces, without waiting; see `Platform.remove_items`."""
        ours = self._namespaces
        removed = [one for one in items if await ours.request_deletion(one.id, one.key, one.holder)]
        for key in dict.fromkeys(one.key for one in removed):
            await self._lead_to_present(key)
        return tuple(removed)

    async def endpoint(self, key: EnvironmentKey) -> Endpoint | None:
        """Return the address of the Service that visitors reach; see `Platform.endpoint`."""
        return await self._namespaces.endpoint(key)

    async def renew_ownership(self, items: Sequence[Item], store: str, until: datetime) -> None:
        """Annotate these namespaces; see `Platform.renew_ownership`."""
        await self._namespaces.renew_ownership(items, store, until)

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        """Update a namespace's expiry annotation; see `Platform.update_expiry`."""
        await self._namespaces.update_expiry(item, expires)

    async def ping(self) -> str | None:
        """Return why the cluster is unavailable, or None."""
        try:
            await self._cluster.version()
        except ChatOpsError as error:
            return str(error.facts.get("message", error))
        return None

    async def _clear(self, namespace: str, key: EnvironmentKey, holder: Holder) -> None:
        """Remove what a deployment that has failed has made; the data of earlier ones stays."""
        slots = [slot for slot in await self._namespaces.of(key) if slot.name == namespace]
        if not any([await self._cleared(slot, key, holder) for slot in slots]):
            await self._namespaces.request_deletion(namespace, key, holder)

    async def _cleared(self, slot: Slot, key: EnvironmentKey, holder: Holder) -> bool:
        """Remove all but the data of earlier runs from a namespace; False, and nothing, if it has none."""
        claims = KeptClaims(self._cluster, slot.name)
        if not may_remove(slot.labels, holder) or not await claims.of_earlier_runs(holder):
            return False
        await job_run.stop(self._cluster, slot.name, holder, SETUP)
        mine = cluster_labels.of_environment(self._options.instance, key)
        await applying.prune(self._cluster, slot.name, (), mine)
        await NamespaceSecrets(self._cluster, slot.name, slot.labels).of_deployment({})
        await claims.remove_own(holder)
        return True

    async def _uninstall(self, namespace: str) -> None:
        """Uninstall the release, so that its hooks run; the namespace is deleted even if that fails."""
        try:
            await self._charts.uninstall(namespace)
        except (TellUser, GiveUp) as error:
            logger.warning("namespace %s: %s", namespace, error)

    async def _run_tests(
        self, spec: TestSpec, namespace: str, labels: Mapping[str, str], writer: LogWriter
    ) -> TestOutput:
        return await SuiteRun(spec, namespace, self._cluster, self._options, labels, writer).run()

    def _labels(self, key: EnvironmentKey, facts: Mapping[str, str]) -> dict[str, str]:
        return cluster_labels.all_of(self._options.instance, key, facts)
