"""Renders charts without access to the cluster, and installs exactly the objects that were checked."""

import asyncio
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.core import naming
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import Definition
from bot.runners.kubernetes import archives
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.helm import Helm, HelmFailed
from bot.runners.kubernetes.options import ChartPolicy
from bot.runners.kubernetes.pure import chart_values
from bot.runners.kubernetes.pure.manifests import SECRET, Manifest, marked

UNINSTALL_SECONDS = 60.0
_OF_HELM = {"owner": "helm"}
_LONGEST_RELEASE = 53


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts and releases of one cluster. Failures of Helm are raised as TellUser(CHART_FAILED)."""

    cluster: Cluster
    helm: Helm
    policy: ChartPolicy

    def facts(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that every chart receives, by the names that the operator chose."""
        image, pull = context["image"], context["pull"]
        known = {
            "image.repository": image["repository"],
            # Charts join repository and tag with a colon: with this tag they pin the image by digest.
            "image.tag": f"{image['tag']}@{image['digest']}",
            "image.digest": image["digest"],
            "host": context["host"],
            "number": str(pull["number"]),
            "sha": pull["sha"],
            "environment": pull["environment"],
            # Without secrets there is no such value: a chart's schema need not know it.
            **({"secret": context["secrets"]["name"]} if context["secrets"]["name"] else {}),
        }
        chosen = {path: known[fact] for path, fact in self.policy.facts.items() if fact in known}
        # Likewise, only charts of a repository with several images get them by name.
        for name, one in context["images"].items():
            chosen[f"images.{name}.repository"] = one["repository"]
            chosen[f"images.{name}.tag"] = f"{one['tag']}@{one['digest']}"
            chosen[f"images.{name}.digest"] = one["digest"]
        return chosen

    async def rendered(
        self, definition: Definition, namespace: str, values: Mapping[str, Any], folder: Path
    ) -> str:
        """Render a chart; `folder` holds its temporary files."""
        self._check(definition)
        file = folder / "values.json"
        _write(folder, {file.name: json.dumps(values)})
        version = await self.cluster.version()
        try:
            chart = await self._chart(definition, folder / "chart")
            await asyncio.to_thread(archives.check_chart, chart, definition.path)
            return await self.helm.template(
                release(namespace), chart, namespace=namespace, values=file, kube_version=version
            )
        except HelmFailed as failed:
            raise _chart_failed(definition.path, failed) from failed

    async def install(
        self,
        path: str,
        namespace: str,
        manifests: Sequence[Manifest],
        labels: Mapping[str, str],
        seconds: float,
    ) -> None:
        """Have Helm install exactly these objects as the namespace's release."""
        name = release(namespace)
        bodies = [marked(manifest, labels, namespace) for manifest in manifests]
        version = f"0.1.0+{labels.get(naming.LABEL_SHA, '0')[:8]}"
        with tempfile.TemporaryDirectory(prefix="chatops-chart-") as folder:
            _write(Path(folder), sealed(name, version, bodies))
            try:
                await self._unblock(name, namespace)
                await self.helm.upgrade(name, Path(folder), namespace=namespace, seconds=seconds)
            except HelmFailed as failed:
                raise _chart_failed(path, failed) from failed

    async def released(self, namespace: str) -> bool:
        """Return whether a namespace has a Helm release."""
        return bool(await self.cluster.list(SECRET.path(namespace), _OF_HELM))

    async def uninstall(self, namespace: str) -> bool:
        """Uninstall the release of a namespace; False if there is none."""
        if not await self.released(namespace):
            return False
        try:
            await self.helm.uninstall(release(namespace), namespace, seconds=UNINSTALL_SECONDS)
        except HelmFailed as failed:
            raise _chart_failed(release(namespace), failed) from failed
        return True

    async def _unblock(self, name: str, namespace: str) -> None:
        """Uninstall a release that a killed Helm left pending: Helm refuses to upgrade it."""
        if (await self.helm.status(name, namespace)).startswith("pending"):
            await self.helm.uninstall(name, namespace, seconds=UNINSTALL_SECONDS, hooks=False)

    def _check(self, definition: Definition) -> None:
        if "://" in definition.path and not chart_values.allowed(definition.path, self.policy.references):
            raise TellUser(Reason.CHART_REFUSED, {"chart": definition.path})
        if value := chart_values.refused(definition.values, self.policy.values):
            raise TellUser(Reason.VALUE_REFUSED, {"value": value})

    async def _chart(self, definition: Definition, target: Path) -> Path:
        if definition.archive is None:
            return await self.helm.pull(definition.path, target)
        await asyncio.to_thread(archives.unpack, definition.archive, definition.path, target)
        return target


def sealed(name: str, version: str, bodies: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the files, by path, of a chart without templates: Helm applies exactly the checked objects.

    A chart with `lookup` could render differently for Helm than for the check, and could read whatever the
    bot may read. So a chart is rendered once, without access to the cluster, and Helm gets the result.
    """
    chart = {"apiVersion": "v2", "name": name, "version": version, "type": "application"}
    # In JSON, two adjacent braces occur only inside strings, where one of them can be escaped.
    objects = [json.dumps(body).replace("{{", "{\\u007b") for body in bodies]
    return {"Chart.yaml": json.dumps(chart), "templates/all.yaml": "\n---\n".join(objects) + "\n"}


def release(namespace: str) -> str:
    """Return the name of the namespace's only release."""
    return (
        namespace
        if len(namespace) <= _LONGEST_RELEASE
        else f"pr-{namespace[-_LONGEST_RELEASE + 3 :]}".strip("-")
    )


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)


def _chart_failed(path: str, failed: HelmFailed) -> TellUser:
    return TellUser(Reason.CHART_FAILED, {"chart": path, "message": failed.message})
