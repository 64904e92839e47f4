"""Rolls a plan out in its namespace: applies it, waits until it is up, prunes, checks that it answers."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bot.core.environments import public
from bot.core.runs.fencing import holder_of
from bot.model.environment import Endpoint
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec
from bot.runners.cleanup import uninterrupted
from bot.runners.kubernetes import applying
from bot.runners.kubernetes.charts import Charts
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.kept_claims import KeptClaims
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.plans import DeploymentPlan
from bot.runners.kubernetes.pure import cluster_labels
from bot.runners.kubernetes.pure.entry_service import APP, EntryService
from bot.runners.kubernetes.pure.manifests import DEPLOYMENT, JOB, SERVICE, STATEFUL_SET, Manifest
from bot.runners.kubernetes.readiness import ReadinessCheck, until_ready, until_unrouted
from bot.runners.kubernetes.rollout_watcher import STARTUP_SECONDS, RolloutTarget, RolloutWatcher
from bot.runners.kubernetes.routes import Routes
from bot.runners.kubernetes.setup_run import SetupRun
from bot.runners.kubernetes.template_context import quantity
from bot.runners.lines import LogWriter

UNROUTED_SECONDS = 10.0
"""Time for a controller to drop a route."""
_FOLLOWED = (DEPLOYMENT, STATEFUL_SET, JOB)


@dataclass(frozen=True, slots=True)
class Rollout:
    """One deployment of one environment."""

    spec: EnvironmentSpec
    namespace: str
    cluster: Cluster
    charts: Charts
    options: KubernetesOptions
    labels: Mapping[str, str]
    writer: LogWriter

    async def run(self, plan: DeploymentPlan, former: str = "") -> Endpoint:
        """Deploy the plan and return the endpoint. After an error the caller deletes the namespace.

        The deployment in the namespace `former` answers until this one does.
        """
        for change in plan.changes:
            self.writer.line(change)
        if self.spec.replace:
            await self.clear()
        routes = plan.routes if former else ()
        await self._start(plan.without(routes))
        await self._prune(plan.manifests)
        if self.options.routing.visited:
            async with self._taking_over(routes, former):
                return await self._until_ready(plan.entry)
        endpoint = await self._until_ready(plan.entry)
        async with self._taking_over(routes, former):
            return endpoint

    async def _prepare_data(self) -> bool:
        """Create what outlives the deployment; return whether nothing of it is from an earlier one."""
        if self.spec.keeps_data and not await self.cluster.list(DEPLOYMENT.path(self.namespace)):
            # After a deployment that has failed, pods may still be ending that have the data.
            await self._watcher().until_empty()
        size = quantity(self.options.limits.disk)
        claims = KeptClaims(self.cluster, self.namespace)
        return await claims.prepared(self.spec, size, self.labels, self.clear, self.writer)

    async def _start(self, plan: DeploymentPlan) -> None:
        new_data = await self._prepare_data()
        if plan.release:
            await self._release(plan)
            return
        *services, app = plan.stages
        for stage in services:
            await self._up(stage)
        await self._set_up(new_data=new_data)
        await self._up(app)

    @asynccontextmanager
    async def _taking_over(self, routes: Sequence[Manifest], former: str) -> AsyncIterator[None]:
        """Lead visitors here; after an error in the block, back to the former deployment.

        A controller may refuse a host while another namespace has it. Then the former one loses it first.
        """
        for route in routes:
            self.writer.line(f"applying {route}")
        if not former:
            yield
            return
        try:
            try:
                await applying.apply(self.cluster, self.namespace, routes, self.labels)
            except TellUser:
                await self._suspend(former)
                await applying.apply_routes(self.cluster, self.namespace, routes, self.labels)
            else:
                await self._suspend(former)
            yield
        except Exception:
            await uninterrupted(self._give_back(former))
            raise

    async def _suspend(self, former: str) -> None:
        if self.spec.beside is not None:
            await self._routes.suspend(former, self.spec.beside.run)

    async def _give_back(self, former: str) -> None:
        await self._routes.suspend(self.namespace, holder_of(self.labels).run)
        await self._routes.resume(former)

    @property
    def _routes(self) -> Routes:
        return Routes(self.cluster)

    async def clear(self) -> None:
        """Remove the previous deployment and wait until none of its pods runs."""
        if await self.charts.uninstall(self.namespace):
            self.writer.line("the previous release is uninstalled")
        await self._prune(())
        await self._watcher().until_empty()
        if self.options.routing.visited:
            await until_unrouted(self._readiness_check(self.spec.host, None, UNROUTED_SECONDS))

    async def _release(self, plan: DeploymentPlan) -> None:
        """Have Helm install everything; if it does not come up, find out why."""
        # Helm refuses to adopt objects that were applied without it.
        await self._prune((), {cluster_labels.MANAGED_BY: cluster_labels.MANAGER})
        seconds = STARTUP_SECONDS + self.spec.health_timeout
        path = self.spec.definition.path if self.spec.definition else ""
        mine = {**self.labels, cluster_labels.LABEL_ROLE: applying.ROLE}
        self.writer.line(f"installing the chart {path}: {', '.join(map(str, plan.manifests))}")
        target = self._target(plan.stages[0], plan.hooks)
        installing = self.charts.install(path, self.namespace, plan.manifests, mine, seconds)
        watcher = self._watcher()
        try:
            await _first_failure(installing, watcher.until_up(target))
        except TellUser as error:
            if error.reason is Reason.CHART_FAILED:
                await watcher.check(target)
            raise

    async def _up(self, manifests: Sequence[Manifest]) -> None:
        for manifest in manifests:
            self.writer.line(f"applying {manifest}")
        await applying.apply(self.cluster, self.namespace, manifests, self.labels)
        target = self._target(manifests)
        if target.names:
            await self._watcher().until_up(target)

    async def _set_up(self, *, new_data: bool) -> None:
        where = (self.namespace, self.cluster, self.options, self.labels, self.writer)
        await SetupRun(self.spec, *where, new_data).run()

    def _target(self, manifests: Sequence[Manifest], hooks: Sequence[Manifest] = ()) -> RolloutTarget:
        names, hooked = (
            frozenset((each.kind, each.name) for each in found if each.known in _FOLLOWED)
            for found in (manifests, hooks)
        )
        subject = APP if (DEPLOYMENT.name, APP) in names else min((name for _, name in names), default=APP)
        return RolloutTarget(names, subject, self.spec.health_timeout, hooked)

    def _watcher(self) -> RolloutWatcher:
        return RolloutWatcher(self.cluster, self.namespace, self.writer)

    async def _prune(self, applied: Sequence[Manifest], labels: Mapping[str, str] | None = None) -> None:
        """Remove what an earlier deployment applied and this one does not contain."""
        mine = {**cluster_labels.of_environment(self.options.instance, self.spec.key), **(labels or {})}
        for name in await applying.prune(self.cluster, self.namespace, applied, mine):
            self.writer.line(f"removed {name}")

    async def _until_ready(self, found: EntryService) -> Endpoint:
        address = await self._address(found.service)
        services = {one.name: Endpoint(await self._address(one.name), one.port) for one in self.spec.public}
        endpoint = Endpoint(address, found.port, services)
        for check in self._readiness_checks(endpoint):
            await until_ready(check)
            self.writer.line(f"{check.url} answers")
        return endpoint

    async def _address(self, service: str) -> str:
        found = await self.cluster.get(SERVICE.path(self.namespace, service))
        return str((found or {}).get("spec", {}).get("clusterIP", ""))

    def _readiness_checks(self, endpoint: Endpoint) -> Iterator[ReadinessCheck]:
        """Yield the checks of the service and of the public ones beside it."""
        spec, seconds = self.spec, self.spec.health_timeout
        if spec.http:
            check = self._readiness_check(spec.host, endpoint, seconds)
            yield replace(check, path=spec.health_path, strict=spec.health_path is not None)
        for one in spec.public:
            check = self._readiness_check(public.host(spec.host, one), endpoint.services[one.name], seconds)
            yield replace(check, path=one.path or None)

    def _readiness_check(self, host: str, endpoint: Endpoint | None, seconds: float) -> ReadinessCheck:
        """Return the readiness check: through the Ingress as visitors come, or directly at the Service."""
        routing = self.options.routing
        base = routing.address or f"{'https' if routing.tls else 'http'}://{host}"
        if endpoint is not None and not routing.visited:
            base = f"http://{endpoint.host}:{endpoint.port}"
        return ReadinessCheck(base, host, None, seconds, direct=not routing.visited)


async def _first_failure(installing: Coroutine[None, None, None], up: Coroutine[None, None, None]) -> None:
    """Wait for Helm, or fail as soon as the watcher sees a failure: it knows the reason, Helm does not."""
    helm, watch = asyncio.create_task(installing), asyncio.create_task(up)
    try:
        await asyncio.wait({helm, watch}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            watch.result()
        await helm
    finally:
        for task in (helm, watch):
            task.cancel()
        await asyncio.gather(helm, watch, return_exceptions=True)
