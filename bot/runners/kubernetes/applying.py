"""Applies a set of objects to a namespace and prunes what is no longer in the set."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure import cluster_labels
from bot.runners.kubernetes.pure.field_rules import ManifestScope
from bot.runners.kubernetes.pure.manifest_policy import Review, review
from bot.runners.kubernetes.pure.manifests import APPLICABLE, Manifest, ObjectKind, marked, ordered

GONE_AFTER = 60.0
FORGOTTEN_AFTER = 10.0
"""Seconds after which a controller has noticed that an Ingress is gone."""
ROLE = "app"
"""Role label of a deployment's objects; pruning is limited to it, so guardrails and tests remain."""


def check(manifests: Sequence[Manifest], scope: ManifestScope) -> Review:
    """Check objects against the policy, and set what it requires.

    Raises TellUser(MANIFEST_REFUSED | MANIFEST_VALUE_REFUSED | MANIFEST_UNLISTED); its log lists the
    violations.
    """
    found = review(manifests, scope)
    if found.violations:
        first = found.violations[0]
        raise TellUser(first.reason, first.facts, log="\n".join(map(str, found.violations)))
    return found


async def apply(
    cluster: Cluster, namespace: str, manifests: Sequence[Manifest], labels: Mapping[str, str]
) -> None:
    """Apply objects in dependency order. Raises TellUser(MANIFEST_INVALID) if the server rejects one."""
    mine = {**labels, cluster_labels.LABEL_ROLE: ROLE}
    for manifest in ordered(tuple(manifests)):
        kind = manifest.known
        if kind is not None:
            await _apply(cluster, kind, namespace, manifest, mine)


async def prune(
    cluster: Cluster, namespace: str, manifests: Sequence[Manifest], labels: Mapping[str, str]
) -> list[str]:
    """Delete the objects that carry these labels and are not in `manifests`; return their names."""
    kept = {(each.kind, each.name) for each in manifests}
    mine = {**labels, cluster_labels.LABEL_ROLE: ROLE}
    each_kind = await asyncio.gather(*(cluster.list(kind.path(namespace), mine) for kind in APPLICABLE))
    gone = [
        (kind, str(body["metadata"]["name"]))
        for kind, bodies in zip(APPLICABLE, each_kind, strict=True)
        for body in bodies
        if (kind.name, body["metadata"]["name"]) not in kept
    ]
    for kind, name in gone:
        await cluster.delete(kind.path(namespace, name))
    return [f"{kind.name}/{name}" for kind, name in gone]


async def apply_routes(
    cluster: Cluster, namespace: str, routes: Sequence[Manifest], labels: Mapping[str, str]
) -> None:
    """Apply Ingresses whose hosts another namespace had: a controller may forget that only in a moment.

    Raises TellUser(MANIFEST_INVALID) if it refuses them for `FORGOTTEN_AFTER` seconds.
    """
    refused: list[TellUser] = []

    async def admitted() -> bool:
        try:
            await apply(cluster, namespace, routes, labels)
        except TellUser as error:
            refused[:] = [error]
            return False
        return True

    try:
        await until(FORGOTTEN_AFTER, admitted)
    except TimeoutError:
        raise refused[0] from None


async def _apply(
    cluster: Cluster, kind: ObjectKind, namespace: str, manifest: Manifest, labels: Mapping[str, str]
) -> None:
    body = marked(manifest, labels, namespace)
    try:
        try:
            await cluster.apply(kind, namespace, body)
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.UNPROCESSABLE_ENTITY or "immutable" not in refused.message:
                raise
            await _remove(cluster, kind, namespace, manifest.name)
            await cluster.apply(kind, namespace, body)
    except ClusterRefused as refused:
        raise error_for(manifest, refused) from refused


async def _remove(cluster: Cluster, kind: ObjectKind, namespace: str, name: str) -> None:
    """Delete an object whose immutable fields change, such as a selector or a Job's template."""

    async def gone() -> bool:
        return await cluster.get(kind.path(namespace, name)) is None

    await cluster.delete(kind.path(namespace, name))
    try:
        await until(GONE_AFTER, gone)
    except TimeoutError:
        raise ClusterUnavailable(f"{kind.name}/{name} still exists after {GONE_AFTER:g} s") from None


def error_for(manifest: Manifest, refused: ClusterRefused) -> Exception:
    """Return the error for an object that the server rejects."""
    if refused.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
        return refused
    if refused.status == HTTPStatus.FORBIDDEN and "exceeded quota" in refused.message:
        return TellUser(Reason.QUOTA_EXCEEDED, {"message": refused.message})
    if refused.status == HTTPStatus.FORBIDDEN:
        return refused
    return TellUser(Reason.MANIFEST_INVALID, {"path": str(manifest), "message": refused.message})
