"""Creates and deletes the Secrets in a namespace that hold what its parts were granted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.runs.fencing import holder_of, may_remove
from bot.model.holder import Holder
from bot.model.secrets import SecretValue
from bot.ports import EnvironmentSpec
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.pure import part_secrets
from bot.runners.kubernetes.pure.cluster_labels import LABEL_PART, LABEL_ROLE, labels_of
from bot.runners.kubernetes.pure.manifests import SECRET
from bot.runners.kubernetes.workloads import Workloads

Granted = Mapping[str, Sequence[SecretValue]]
"""The values of each part."""


def granted_to(spec: EnvironmentSpec) -> Granted:
    """Return the parts of a deployment that have secrets; a chart starts no `services`."""
    parts = {"deploy": spec.secrets}
    if spec.definition is None or not spec.definition.chart:
        parts |= {f"services.{each.name}": each.secrets for each in spec.services}
    return {part: values for part, values in parts.items() if values}


@dataclass(frozen=True, slots=True)
class NamespaceSecrets:
    """The Secrets of one namespace that a run gives to its parts; `labels` are those of the run."""

    cluster: Cluster
    namespace: str
    labels: Mapping[str, str]

    async def of_deployment(self, granted: Granted) -> None:
        """Delete the Secrets of all parts, also of suites, then create these.

        Sleeping StatefulSets, whose pods may name the older ones, are deleted before: if the bot ends in
        between, its successor finds the Secrets, and so does both.
        """
        older = await self._older({}, holder_of(self.labels))
        if older:
            await Workloads(self.cluster, self.namespace).remove_sleeping_sets()
        await self._delete(older)
        for part, values in granted.items():
            await self._create(part, values)

    async def of_tests(self, values: Sequence[SecretValue]) -> None:
        """Delete the Secrets of earlier suites, then create that of this one, if it has values."""
        await self.remove_of_tests(holder_of(self.labels))
        if values:
            await self._create(part_secrets.OF_TESTS, values)

    async def remove_of_tests(self, holder: Holder) -> None:
        """Delete the Secrets of suites that are not newer than the holder."""
        await self._delete(await self._older({LABEL_PART: part_secrets.OF_TESTS}, holder))

    async def _create(self, part: str, values: Sequence[SecretValue]) -> None:
        body = part_secrets.body(part, values, self.labels)
        await self.cluster.call("POST", SECRET.path(self.namespace), body=body)

    async def _older(self, labels: Mapping[str, str], holder: Holder) -> list[dict[str, Any]]:
        """Return the metadata of Secrets that are not newer than the holder."""
        path = SECRET.path(self.namespace)
        found = await self.cluster.list(path, {LABEL_ROLE: part_secrets.ROLE, **labels})
        return [each["metadata"] for each in found if may_remove(labels_of(each), holder)]

    async def _delete(self, secrets: Sequence[dict[str, Any]]) -> None:
        for each in secrets:
            uid = {"uid": each["uid"]}
            await self.cluster.delete(SECRET.path(self.namespace, each["name"]), preconditions=uid)
