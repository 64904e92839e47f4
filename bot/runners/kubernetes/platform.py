"""The `Platform` of a Kubernetes cluster."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.core.admission.egress import reachable
from bot.core.runs.fencing import holder_of, may_remove
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import ChatOpsError, GiveUp, TellUser
from bot.model.forge import RepoPath
from bot.model.health import Part
from bot.model.holder import Holder
from bot.model.inventory import Item
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec, Log, Sandbox, TestOutput, TestSpec
from bot.runners.cleanup import uninterrupted, unless_cancelled
from bot.runners.kubernetes.charts import Charts
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.guardrails import NamespaceOwner
from bot.runners.kubernetes.helm import Helm
from bot.runners.kubernetes.namespace import Namespaces
from bot.runners.kubernetes.namespace_secrets import NamespaceSecrets, granted_to
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.parts import Parts
from bot.runners.kubernetes.plans import DeploymentPlanner
from bot.runners.kubernetes.pure import cluster_labels
from bot.runners.kubernetes.pure.entry_service import APP
from bot.runners.kubernetes.rollout import Rollout
from bot.runners.kubernetes.suite import SuiteRun, stop
from bot.runners.kubernetes.suite_job import TESTS
from bot.runners.kubernetes.workloads import Workloads
from bot.runners.lines import LogWriter

logger = logging.getLogger(__name__)


class KubernetesPlatform:
    """Deploys, tests and removes environments in one cluster."""

    def __init__(self, cluster: Cluster, options: KubernetesOptions, helm: Helm, sandbox: Sandbox) -> None:
        self._cluster = cluster
        self._sandbox = sandbox
        self._charts = Charts(cluster, helm, options.charts)
        self._options = options
        self._namespaces = Namespaces(cluster, options)
        self._parts = Parts(cluster, self._namespaces, options.instance)

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        """Deploy; see `Platform.deploy`."""
        writer = LogWriter(log)
        labels = self._labels(spec.key, spec.labels)
        namespace = self._namespaces.name(spec.key)
        deployment = Rollout(spec, namespace, self._cluster, self._charts, self._options, labels, writer)
        try:
            planner = DeploymentPlanner(spec, namespace, self._options, self._charts, self._sandbox)
            plan = await planner.plan()
            host, entry = spec.host.partition(".")[0], f"{plan.entry.service}:{plan.entry.port}"
            egress = reachable(spec.egress.cidrs) if spec.egress else ()
            owner = NamespaceOwner(
                spec.key, labels, spec.owner, spec.expires, host, entry, spec.public, egress
            )
            await self._namespaces.ensure(owner)
            writer.line(f"namespace {namespace}")
            await NamespaceSecrets(self._cluster, namespace, labels).of_deployment(granted_to(spec))
            # Manifests without `replicas` would leave a sleeping workload at zero.
            await Workloads(self._cluster, namespace).scale_up()
            return await deployment.run(plan)
        except Exception:
            # Deletion takes seconds; the next deployment waits for it.
            mine = holder_of(labels)
            await uninterrupted(self._namespaces.request_deletion(namespace, spec.key, mine))
            raise

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        """Run one suite; see `Platform.run_tests`."""
        labels = self._labels(spec.key, spec.labels)
        if await self._namespaces.exists(spec.key):
            return await self._run_tests(spec, labels, LogWriter(log))
        if not spec.standalone:
            raise TellUser(Reason.NO_ENVIRONMENT)
        made = {**labels, cluster_labels.LABEL_ROLE: TESTS}
        async with unless_cancelled(lambda: self._namespaces.remove(spec.key, holder_of(labels))):
            await self._namespaces.ensure(NamespaceOwner(spec.key, made))
            return await self._run_tests(spec, labels, LogWriter(log))

    async def stop_tests(self, key: EnvironmentKey, holder: Holder) -> None:
        """Delete the Jobs of suites, or the namespace of standalone ones; see `Platform.stop_tests`."""
        labels = await self._namespaces.labels(key)
        if labels is not None and labels.get(cluster_labels.LABEL_ROLE) == TESTS:
            await self._namespaces.remove(key, holder)
        elif labels is not None:
            await stop(self._cluster, self._namespaces.name(key), holder)

    def service_url(self, key: EnvironmentKey, port: int) -> str:
        """Return the URL under which tests reach the service; see `Platform.service_url`."""
        # Browsers open a host in the top-level domain `app` only by HTTPS, so it needs more than its name.
        return f"http://{APP}.{self._namespaces.name(key)}.svc:{port}"

    async def remove(self, key: EnvironmentKey, holder: Holder) -> None:
        """Remove one environment; see `Platform.remove`."""
        labels = await self._namespaces.labels(key)
        if labels is not None and may_remove(labels, holder):
            await self._uninstall(self._namespaces.name(key))
        await self._namespaces.remove(key, holder)

    async def scale_down(self, key: EnvironmentKey, holder: Holder) -> None:
        """Scale one environment to nothing; see `Suspendable.scale_down`."""

        async def allowed() -> bool:
            labels = await self._namespaces.labels(key)
            return labels is not None and may_remove(labels, holder)

        if await allowed():
            await Workloads(self._cluster, self._namespaces.name(key)).scale_down(allowed)

    async def scale_up(self, key: EnvironmentKey, endpoint: Endpoint | None) -> None:
        """Scale one environment to what it was; see `Suspendable.scale_up`."""
        if not await self._namespaces.exists(key):
            raise TellUser(Reason.NO_ENVIRONMENT)
        workloads = Workloads(self._cluster, self._namespaces.name(key))
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
        return tuple([one for one in items if await ours.request_deletion(one.id, one.key, one.holder)])

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

    async def _uninstall(self, namespace: str) -> None:
        """Uninstall the release, so that its hooks run; the namespace is deleted even if that fails."""
        try:
            await self._charts.uninstall(namespace)
        except (TellUser, GiveUp) as error:
            logger.warning("namespace %s: %s", namespace, error)

    async def _run_tests(self, spec: TestSpec, labels: Mapping[str, str], writer: LogWriter) -> TestOutput:
        namespace = self._namespaces.name(spec.key)
        return await SuiteRun(spec, namespace, self._cluster, self._options, labels, writer).run()

    def _labels(self, key: EnvironmentKey, facts: Mapping[str, str]) -> dict[str, str]:
        return cluster_labels.all_of(self._options.instance, key, facts)
