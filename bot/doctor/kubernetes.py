"""Checks the cluster, and the bot's permissions there."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.doctor import other_owners
from bot.doctor.findings import DoctorOptions, Finding, fine, note, wrong
from bot.model.errors import ChatOpsError
from bot.model.pipeline import RunnerName
from bot.model.text import Text
from bot.settings.model import KubernetesSettings, Settings

if TYPE_CHECKING:
    from bot.runners.kubernetes.cluster import Cluster

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_MOST_NAMESPACES = 5
_CHANGE = ("get", "list", "create", "patch", "delete")
# What the runner does, by API group; deploy/chart grants these permissions.
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


def enabled(settings: Settings) -> bool:
    """Whether the settings enable the cluster."""
    return settings.kubernetes.enabled


async def check(options: DoctorOptions) -> Sequence[Finding]:
    """Check that the cluster answers, and what the bot may do there."""
    from bot.runners.kubernetes.cluster import Cluster, ClusterAccess  # noqa: PLC0415 - 20 MB of client

    chosen = options.settings.kubernetes
    async with Cluster(ClusterAccess(chosen.kubeconfig, chosen.context)) as cluster:
        try:
            version = await cluster.version()
            missing = await _missing(cluster)
            ingress = await _ingress_class(cluster, chosen.ingress_class)
            dns = await _dns_servers(cluster, chosen)
            others = await _other_owners(cluster, options.settings)
        except ChatOpsError as error:
            return [_unreachable(error)]
    found = [fine(en=f"Kubernetes {version}", zh=f"Kubernetes {version}"), permissions_finding(missing)]
    return [*found, *([ingress] if ingress else []), dns, *others]


def permissions_finding(missing: Sequence[str]) -> Finding:
    """Report the permissions that the bot lacks."""
    if not missing:
        return fine(en="the account has all required permissions", zh="账号的权限齐全")
    listed = ", ".join(missing)
    return wrong(
        Text(en=f"the account lacks permissions: {listed}", zh=f"账号缺少权限：{listed}"),
        Text(
            en="Grant it the ClusterRole of deploy/chart (rbac.create).",
            zh="请授予 deploy/chart 中的 ClusterRole（rbac.create）。",
        ),
    )


async def _missing(cluster: "Cluster") -> list[str]:
    asked = list(_attributes())
    allowed = await asyncio.gather(*(_may(cluster, one) for one in asked))
    refused = [one for one, may in zip(asked, allowed, strict=True) if not may]
    return [_permission(list(group)) for _, group in itertools.groupby(refused, lambda one: one["resource"])]


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


def _permission(refused: Sequence[Mapping[str, str]]) -> str:
    return f"{'/'.join(one['verb'] for one in refused)} {refused[0]['resource']}"


async def _ingress_class(cluster: "Cluster", name: str) -> Finding | None:
    if not name:
        return None
    try:
        found = await cluster.get(f"/apis/networking.k8s.io/v1/ingressclasses/{name}")
    except ChatOpsError:
        return note(
            Text(
                en=f"the account cannot read IngressClass {name}, so it was not checked",
                zh=f"账号无权读取 IngressClass {name}，未检查",
            )
        )
    if found is not None:
        return fine(en=f"IngressClass {name} exists", zh=f"IngressClass {name} 存在")
    return wrong(
        Text(en=f"IngressClass {name} does not exist", zh=f"IngressClass {name} 不存在"),
        Text(
            en="Install its Ingress controller, or correct [kubernetes] ingress_class.",
            zh="请安装对应的 Ingress 控制器，或更正 [kubernetes] ingress_class。",
        ),
    )


async def _other_owners(cluster: "Cluster", settings: Settings) -> Sequence[Finding]:
    from bot.runners.kubernetes.namespace import of_instance  # noqa: PLC0415 - 20 MB of client

    try:
        items = await of_instance(cluster, settings.kubernetes.instance)
    except ChatOpsError:
        return ()  # the missing permission is reported
    return await other_owners.findings(settings, RunnerName.KUBERNETES, items)


async def _dns_servers(cluster: "Cluster", chosen: KubernetesSettings) -> Finding:
    """Count the DNS servers that the environments' NetworkPolicies allow."""
    spaces, pods = (dict(pair.split("=", 1) for pair in of) for of in (chosen.dns_namespace, chosen.dns_pods))
    try:
        names = [str(one["metadata"]["name"]) for one in await cluster.list("/api/v1/namespaces", spaces)]
        found = await asyncio.gather(
            *(cluster.list(f"/api/v1/namespaces/{name}/pods", pods) for name in names[:_MOST_NAMESPACES])
        )
    except ChatOpsError:
        found = []
    number = len(chosen.dns_cidrs) + sum(map(len, found))
    if number:
        return fine(
            en=f"environments may ask {number} DNS servers", zh=f"环境可以访问 {number} 个 DNS 服务器"
        )
    return note(
        Text(
            en="no pods match [kubernetes] dns_namespace and dns_pods, so a network plugin that enforces"
            " NetworkPolicies keeps environments from resolving names",
            zh="没有 Pod 符合 [kubernetes] 的 dns_namespace 和 dns_pods，网络插件执行 NetworkPolicy 时，"
            "环境将无法解析域名",
        ),
        Text(
            en="Set these to the labels of the cluster's DNS servers, or dns_cidrs to their addresses."
            " Clusters before 1.21 do not label namespaces with their names: label kube-system yourself.",
            zh="请改为集群 DNS 服务器的标签，或在 dns_cidrs 中填写其地址。1.21 之前的集群不会给命名空间"
            "打上名称标签，请自行给 kube-system 加上标签。",
        ),
    )


def _unreachable(error: ChatOpsError) -> Finding:
    message = error.facts.get("message", str(error))
    return wrong(
        Text(en=f"the cluster does not respond: {message}", zh=f"集群没有响应：{message}"),
        Text(
            en="Check [kubernetes] kubeconfig and context; without a kubeconfig the bot must run in the"
            " cluster.",
            zh="请检查 [kubernetes] 的 kubeconfig 和 context；不填时机器人必须运行在集群内。",
        ),
    )
