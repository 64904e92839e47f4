"""Which of an environment's two deployments visitors are led to, by the classes of their Ingresses.

Those of the other one stay, with a class that no controller serves and a note of the class that they had, so
that any replica can lead visitors to them again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.core import naming
from bot.runners.kubernetes.cluster import MERGE, Cluster, ClusterRefused
from bot.runners.kubernetes.pure.manifests import INGRESS

SUSPENDED = f"{naming.PREFIX}-suspended"
ANNOTATION_FORMER = f"{naming.PREFIX}.former-class"
"""The class that an Ingress had, and its annotation with one, as JSON.

The server sets a default class only in new objects, so nobody else knows it any more.
"""
ANNOTATION_CLASS = "kubernetes.io/ingress.class"
"""The class as before Kubernetes 1.18; controllers that know it prefer it."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The Ingresses of environments."""

    cluster: Cluster

    async def suspend(self, namespace: str, run: int) -> None:
        """Lead no visitors to what a run has deployed in a namespace."""
        for one in await self.cluster.list(INGRESS.path(namespace), {naming.LABEL_RUN: str(run)}):
            if not _suspended(one):
                had = (_class(one), _annotations(one).get(ANNOTATION_CLASS))
                saved = {ANNOTATION_FORMER: json.dumps(had), ANNOTATION_CLASS: None}
                await self._set(namespace, one, SUSPENDED, saved)

    async def resume(self, namespace: str) -> None:
        """Lead visitors to a namespace again."""
        for one in filter(_suspended, await self.cluster.list(INGRESS.path(namespace))):
            name, annotation = json.loads(_annotations(one)[ANNOTATION_FORMER])
            await self._set(namespace, one, name, {ANNOTATION_FORMER: None, ANNOTATION_CLASS: annotation})

    async def _set(
        self,
        namespace: str,
        one: Mapping[str, Any],
        name: str | None,
        annotations: Mapping[str, str | None],
    ) -> None:
        """Set the class of an Ingress, unless that is gone."""
        body = {"metadata": {"annotations": dict(annotations)}, "spec": {"ingressClassName": name}}
        path = INGRESS.path(namespace, str(one["metadata"]["name"]))
        try:
            await self.cluster.call("PATCH", path, body=body, content=MERGE)
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise


def _suspended(one: Mapping[str, Any]) -> bool:
    return _class(one) == SUSPENDED and ANNOTATION_FORMER in _annotations(one)


def _class(one: Mapping[str, Any]) -> str | None:
    found: str | None = (one.get("spec") or {}).get("ingressClassName")
    return found


def _annotations(one: Mapping[str, Any]) -> Mapping[str, str]:
    return one["metadata"].get("annotations") or {}
