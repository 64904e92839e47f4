"""Plans a deployment: renders and checks every object before the first one is applied."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.core.admission.images import name_of
from bot.core.environments import startup
from bot.model.errors import TellUser
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from bot.ports import Definition, EnvironmentSpec, Sandbox, ServiceSpec
from bot.runners.kubernetes import applying, archives, rendering
from bot.runners.kubernetes.charts import Charts
from bot.runners.kubernetes.guardrails import PULL_SECRET
from bot.runners.kubernetes.namespace_secrets import granted_to
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.pure import chart_values, entry_service, part_files, part_secrets
from bot.runners.kubernetes.pure.entry_service import APP, EntryService
from bot.runners.kubernetes.pure.field_rules import ManifestScope
from bot.runners.kubernetes.pure.manifest_policy import Review
from bot.runners.kubernetes.pure.manifests import INGRESS, SERVICE, Manifest, ManifestError, read
from bot.runners.kubernetes.template_context import quantity, template_context

MANIFEST_LIMITS = SandboxLimits(seconds=20)
"""Nothing is small: merge keys (`<<`) multiply, so that 400 bytes of YAML can mean millions of values."""


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """Objects in stages that come up one after the other, and the Service that visitors reach."""

    entry: EntryService
    stages: tuple[tuple[Manifest, ...], ...]
    hooks: tuple[Manifest, ...] = ()
    """Hooks of the chart, which Helm runs in addition."""
    release: bool = False
    """Whether Helm applies the objects."""
    changes: tuple[str, ...] = ()
    """What the policy changed in a repository's own objects, for the log."""

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All objects."""
        return (*(manifest for stage in self.stages for manifest in stage), *self.hooks)

    @property
    def routes(self) -> tuple[Manifest, ...]:
        """The Ingresses."""
        return tuple(one for stage in self.stages for one in stage if one.known is INGRESS)

    def without(self, manifests: Sequence[Manifest]) -> "DeploymentPlan":
        """Return the plan without some of its objects."""
        stages = tuple(tuple(one for one in stage if one not in manifests) for stage in self.stages)
        return replace(self, stages=stages)


@dataclass(frozen=True, slots=True)
class DeploymentPlanner:
    """Plans one environment's deployment."""

    spec: EnvironmentSpec
    namespace: str
    options: KubernetesOptions
    charts: Charts
    sandbox: Sandbox

    async def plan(self) -> DeploymentPlan:
        """Return the plan.

        Raises TellUser(NO_PORT | NO_SERVICE | MANIFEST_INVALID | CHART_FAILED | CHART_REFUSED |
        VALUE_REFUSED | SCHEMA_REFUSED), and what `applying.check` raises.
        """
        definition = self.spec.definition
        if definition is None:
            return self._built_in()
        if definition.chart:
            return await self._of_chart(definition)
        return await self._of_manifests(definition)

    def _built_in(self) -> DeploymentPlan:
        """Start the services first, those before others that these depend on, then the app."""
        if self.spec.port is None:
            raise TellUser(Reason.NO_PORT)
        context = self._context()
        services = {each.name: each for each in self.spec.services}
        waves = [
            tuple(manifest for name in wave for manifest in self._service(services[name], context))
            for wave in startup.waves({name: each.depends_on for name, each in services.items()})
        ]
        app = [
            manifest
            for name in (("app",) if self.options.routing.proxied else ("app", "ingress"))
            for manifest in parsed(name, rendering.built_in(name, context))
        ]
        return DeploymentPlan(EntryService(APP, self.spec.port, routed=True), (*waves, tuple(app)))

    def _service(self, service: ServiceSpec, context: Mapping[str, Any]) -> list[Manifest]:
        part = next(each for each in context["services"] if each["name"] == service.name)
        found = parsed("service", rendering.built_in("service", {**context, "part": part}))
        return [*([part_files.config_map(service.name, service.files)] if service.files else []), *found]

    async def _of_manifests(self, definition: Definition) -> DeploymentPlan:
        folder, archive = definition.path, definition.archive
        templates = await asyncio.to_thread(archives.templates, archive or Path(), folder)
        texts = await rendering.of_repository(self.sandbox, templates, self._context(), folder)
        review = await self._checked(
            await self._read(folder, {f"{folder}/{name}": text for name, text in texts.items()})
        )
        theirs = review.manifests
        found = self._entry(theirs, folder)
        stage = (*self._routed(theirs), *self._added(theirs, found))
        return DeploymentPlan(found, (stage,), changes=review.changes)

    async def _of_chart(self, definition: Definition) -> DeploymentPlan:
        context = self._context()
        values = chart_values.tree(definition.values, self.charts.facts(context))
        with tempfile.TemporaryDirectory(prefix="chatops-chart-") as folder:
            text = await self.charts.rendered(definition, self.namespace, values, Path(folder))
        review = await self._checked(await self._read(definition.path, {definition.path: text}))
        kept = [manifest for manifest in review.manifests if not manifest.is_hook]
        hooks = tuple(manifest for manifest in self._routed(review.manifests) if manifest.is_hook)
        found = self._entry(kept, definition.path)
        stage = (*self._routed(kept), *self._added(kept, found))
        return DeploymentPlan(found, (stage,), hooks, release=True, changes=review.changes)

    async def _read(self, name: str, texts: dict[str, str]) -> list[Manifest]:
        return await self.sandbox.call(MANIFEST_LIMITS, name, all_parsed, texts)

    def _context(self) -> dict[str, Any]:
        return template_context(self.spec, self.namespace, self.spec.port or 0, self.options)

    async def _checked(self, theirs: Sequence[Manifest]) -> Review:
        return await asyncio.to_thread(
            applying.check, theirs, scope_of(self.options, self.namespace, self.spec)
        )

    def _entry(self, theirs: Sequence[Manifest], path: str) -> EntryService:
        found = entry_service.find([each for each in theirs if not each.is_hook], self.spec.host)
        if found is None:
            raise TellUser(Reason.NO_SERVICE, {"path": path, "host": self.spec.host})
        return found

    def _routed(self, theirs: Sequence[Manifest]) -> list[Manifest]:
        """Drop Ingresses if visitors come through the bot's proxy: they would bypass it."""
        return [each for each in theirs if not self.options.routing.proxied or each.known is not INGRESS]

    def _added(self, theirs: Sequence[Manifest], found: EntryService) -> list[Manifest]:
        """Return the objects that a repository's own lack: an Ingress, and the Service that tests use."""
        added: list[Manifest] = []
        if not found.routed and not self.options.routing.proxied:
            context = {**self._context(), "entry_service": found.service, "port": found.port}
            added += parsed("ingress", rendering.built_in("ingress", context))
        if (also := entry_service.alias(theirs, found)) is not None:
            added.append(Manifest(SERVICE.api_version, SERVICE.name, APP, also))
        return added


def scope_of(options: KubernetesOptions, namespace: str, spec: EnvironmentSpec) -> ManifestScope:
    """Return what an environment's objects may use."""
    return ManifestScope(
        namespace,
        spec.host,
        reserved=frozenset({PULL_SECRET}),
        secrets=frozenset(
            part_secrets.name(part, values, spec.labels) for part, values in granted_to(spec).items()
        ),
        pull_secret="" if options.account is None else PULL_SECRET,
        level=options.level,
        run_as_user=options.run_as_user,
        ingress_class=options.routing.ingress_class,
        ingress_annotations=options.routing.annotations,
        volume_size=quantity(options.limits.disk),
        allowed=options.allowed,
        images=options.images,
        own_images=tuple(name_of(one.pinned) for one in spec.image.all),
    )


def all_parsed(texts: Mapping[str, str]) -> list[Manifest]:
    """Parse the texts of several files, by path; raises as `parsed` does."""
    return [manifest for path, text in texts.items() for manifest in parsed(path, text)]


def parsed(path: str, text: str) -> list[Manifest]:
    """Parse rendered YAML into objects. Raises TellUser(MANIFEST_INVALID)."""
    try:
        return list(read(text))
    except ManifestError as error:
        raise TellUser(Reason.MANIFEST_INVALID, {"path": path, "message": str(error)}) from error
