"""One attempt to bring an environment up in its namespace: rendered, checked, applied, followed, visited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core import cluster_labels
from bot.core import front as fronts
from bot.core.front import Front
from bot.core.manifest_policy import Bounds
from bot.core.manifests import DEPLOYMENT, JOB, SERVICE, STATEFUL_SET, Manifest, UnreadableError, read
from bot.model.environment import Endpoint
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import EnvironmentSpec
from bot.runners.kubernetes import applying, rendering
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.facts import APP, facts
from bot.runners.kubernetes.namespace import PULL_SECRET
from bot.runners.kubernetes.options import Options
from bot.runners.kubernetes.visiting import Visit, until_answered
from bot.runners.kubernetes.watching import Awaited, Watching
from bot.runners.lines import Console

_AWAITED = (DEPLOYMENT, STATEFUL_SET, JOB)


@dataclass(frozen=True, slots=True)
class Deployment:
    """All that one attempt needs."""

    spec: EnvironmentSpec
    namespace: str
    cluster: Cluster
    options: Options
    labels: Mapping[str, str]
    console: Console

    async def run(self) -> Endpoint:
        """Bring everything up and return where it answers; the caller removes what an error left."""
        if self.spec.manifests:
            found, manifests = await self._of_repository()
            await self._up(manifests)
            applied = manifests
        else:
            found, applied = await self._built_in()
        await self._tidy(applied)
        return await self._visited(found)

    async def _built_in(self) -> tuple[Front, list[Manifest]]:
        """Start what the service needs, then the service: it may rely on its database being there."""
        port = self.spec.port
        if port is None:
            raise TellUser(Reason.NO_PORT)
        context = facts(self.spec, self.namespace, port, self.options)
        beside = [
            manifest
            for part in context["services"]
            for manifest in _parsed("service", rendering.built_in("service", {**context, "part": part}))
        ]
        app = [
            manifest
            for name in ("app", "ingress")
            for manifest in _parsed(name, rendering.built_in(name, context))
        ]
        await self._up(beside)
        await self._up(app)
        return Front(APP, port, routed=True), [*beside, *app]

    async def _of_repository(self) -> tuple[Front, list[Manifest]]:
        context = facts(self.spec, self.namespace, self.spec.port or 0, self.options)
        folder = self.spec.manifests_folder
        texts = await rendering.of_repository(self.spec.manifests or {}, context, folder)
        theirs = [each for name, text in texts.items() for each in _parsed(f"{folder}/{name}", text)]
        bounds = Bounds(self.namespace, self.spec.host, frozenset({PULL_SECRET}))
        applying.check(theirs, bounds)
        found = fronts.front(theirs, self.spec.host)
        if found is None:
            raise TellUser(Reason.NO_SERVICE, {"path": folder, "host": self.spec.host})
        return found, [*theirs, *self._added(theirs, found, context)]

    def _added(
        self, theirs: Sequence[Manifest], found: Front, context: Mapping[str, object]
    ) -> list[Manifest]:
        """Return what the repository's own objects lack: an Ingress, and the name that tests know."""
        added: list[Manifest] = []
        if not found.routed:
            way = {**context, "front": found.service, "port": found.port}
            added += _parsed("ingress", rendering.built_in("ingress", way))
        if (also := fronts.alias(theirs, found)) is not None:
            added.append(Manifest(SERVICE.api_version, SERVICE.name, APP, also))
        return added

    async def _up(self, manifests: Sequence[Manifest]) -> None:
        for manifest in manifests:
            self.console.line(f"applying {manifest}")
        await applying.apply(self.cluster, self.namespace, manifests, self.labels)
        names = frozenset((each.kind, each.name) for each in manifests if each.known in _AWAITED)
        if not names:
            return
        subject = APP if (DEPLOYMENT.name, APP) in names else min(name for _, name in names)
        watching = Watching(self.cluster, self.namespace, self.console)
        await watching.until_up(Awaited(names, subject, self.spec.health_timeout))

    async def _tidy(self, applied: Sequence[Manifest]) -> None:
        mine = cluster_labels.of_environment(self.options.instance, self.spec.key)
        for name in await applying.prune(self.cluster, self.namespace, applied, mine):
            self.console.line(f"removed {name}")

    async def _visited(self, found: Front) -> Endpoint:
        service = await self.cluster.get(SERVICE.path(self.namespace, found.service))
        address = str((service or {}).get("spec", {}).get("clusterIP", ""))
        routing = self.options.routing
        base = f"http://{address}:{found.port}"
        if routing.ready_through == "ingress":
            base = routing.address or f"{'https' if routing.tls else 'http'}://{self.spec.host}"
        visit = Visit(base, self.spec.host, self.spec.health_path, self.spec.health_timeout)
        await until_answered(visit)
        self.console.line(f"{visit.url} answers")
        return Endpoint(address, found.port)


def _parsed(path: str, text: str) -> list[Manifest]:
    try:
        return list(read(text))
    except UnreadableError as error:
        raise TellUser(Reason.MANIFEST_INVALID, {"path": path, "message": str(error)}) from error
