"""The cluster that previews are deployed to, and what the bot may do there."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.doctor.findings import Examined, Finding, fine, note, wrong
from bot.model.errors import ChatOpsError
from bot.model.text import Text
from bot.settings.model import Settings

if TYPE_CHECKING:
    from bot.runners.kubernetes.cluster import Cluster

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_CHANGE = ("get", "list", "create", "patch", "delete")
# What the runner does, by API group; deploy/chart gives these rights.
NEEDS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "": {
        "namespaces": _CHANGE,
        "services": _CHANGE,
        "secrets": _CHANGE,
        "configmaps": _CHANGE,
        "resourcequotas": ("create", "patch"),
        "limitranges": ("create", "patch"),
        "pods": ("get", "list"),
        "pods/log": ("get",),
        "events": ("list",),
    },
    "apps": {"deployments": _CHANGE},
    "batch": {"jobs": _CHANGE},
    "networking.k8s.io": {"ingresses": _CHANGE, "networkpolicies": ("create", "patch")},
}


def wanted(settings: Settings) -> bool:
    """Whether there is a cluster."""
    return settings.kubernetes.enabled


async def check(examined: Examined) -> Sequence[Finding]:
    """Ask the cluster who it is and what the bot may do."""
    from bot.runners.kubernetes.cluster import Cluster, ClusterAccess  # noqa: PLC0415 - 20 MB of client

    chosen = examined.settings.kubernetes
    async with Cluster(ClusterAccess(chosen.kubeconfig, chosen.context)) as cluster:
        try:
            version = await cluster.version()
            lacking = await _lacking(cluster)
            ingress = await _ingress_class(cluster, chosen.ingress_class)
        except ChatOpsError as error:
            return [_unreachable(error)]
    found = [fine(en=f"Kubernetes {version}", zh=f"Kubernetes {version}"), rights(lacking)]
    return [*found, *([ingress] if ingress else [])]


def rights(lacking: Sequence[str]) -> Finding:
    """Judge what the bot may not do."""
    if not lacking:
        return fine(en="the account may do everything that the bot does there", zh="账号的权限齐全")
    told = ", ".join(lacking)
    return wrong(
        Text(en=f"the account may not {told}", zh=f"账号缺少权限：{told}"),
        Text(
            en="Give it the ClusterRole of deploy/chart (rbac.create).",
            zh="请授予 deploy/chart 中的 ClusterRole（rbac.create）。",
        ),
    )


async def _lacking(cluster: "Cluster") -> list[str]:
    asked = list(_attributes())
    allowed = await asyncio.gather(*(_may(cluster, one) for one in asked))
    refused = [one for one, may in zip(asked, allowed, strict=True) if not may]
    return [_said(list(group)) for _, group in itertools.groupby(refused, lambda one: one["resource"])]


def _attributes() -> Iterator[dict[str, str]]:
    for group, resources in NEEDS.items():
        for resource, verbs in resources.items():
            name, _, part = resource.partition("/")
            for verb in verbs:
                found = {"group": group, "resource": name, "verb": verb}
                yield {**found, "subresource": part} if part else found


async def _may(cluster: "Cluster", attributes: Mapping[str, str]) -> bool:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer: dict[str, Any] = await cluster.call("POST", REVIEWS, body=body)
    return (answer.get("status") or {}).get("allowed") is True


def _said(refused: Sequence[Mapping[str, str]]) -> str:
    return f"{'/'.join(one['verb'] for one in refused)} {refused[0]['resource']}"


async def _ingress_class(cluster: "Cluster", name: str) -> Finding | None:
    if not name:
        return None
    try:
        found = await cluster.get(f"/apis/networking.k8s.io/v1/ingressclasses/{name}")
    except ChatOpsError:
        return note(
            Text(
                en=f"the account may not read the IngressClass {name}, so it was not checked",
                zh=f"账号无权读取 IngressClass {name}，未检查",
            )
        )
    if found is not None:
        return fine(en=f"IngressClass {name} is there", zh=f"IngressClass {name} 存在")
    return wrong(
        Text(en=f"there is no IngressClass {name}", zh=f"没有 IngressClass {name}"),
        Text(
            en="Install its ingress controller, or correct [kubernetes] ingress_class.",
            zh="请安装对应的 Ingress 控制器，或更正 [kubernetes] ingress_class。",
        ),
    )


def _unreachable(error: ChatOpsError) -> Finding:
    told = error.facts.get("message", str(error))
    return wrong(
        Text(en=f"the cluster does not answer: {told}", zh=f"集群没有响应：{told}"),
        Text(
            en="Check [kubernetes] kubeconfig and context; without them the bot must run in the cluster.",
            zh="请检查 [kubernetes] 的 kubeconfig 和 context；不填时机器人必须运行在集群内。",
        ),
    )
