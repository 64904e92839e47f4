"""What every namespace of an environment contains: its network policy, quota, limits, and pull secret."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.model.environment import EnvironmentKey, PublicService
from bot.runners.kubernetes.options import DnsPeers, KubernetesOptions
from bot.runners.kubernetes.pure.manifests import (
    LIMIT_RANGE,
    NETWORK_POLICY,
    QUOTA,
    SECRET,
    SERVICE_ACCOUNT,
    ObjectKind,
)

PULL_SECRET = "chatops-pull"  # noqa: S105 - a name
DNS_PORT = 53
ENDED_PODS = 10
"""Pods and Jobs that may exist for each pod that may run."""


@dataclass(frozen=True, slots=True)
class NamespaceOwner:
    """Owner of a namespace: the environment, the run's labels, and the login shown to people."""

    key: EnvironmentKey
    labels: Mapping[str, str]
    login: str = ""
    expires: datetime | None = None
    host: str = ""
    """Host label of its preview."""
    entry: str = ""
    """The Service that visitors reach, and its port, as `name:port`."""
    public: Sequence[PublicService] = ()
    """The other services that visitors reach."""
    egress: Sequence[str] = ()
    """Networks in CIDR notation that its pods may reach, besides those of the settings."""


def guardrails(owner: NamespaceOwner, options: KubernetesOptions) -> list[tuple[ObjectKind, dict[str, Any]]]:
    """Return what every namespace contains beside its deployment."""
    policy = network_policy(options, owner.egress)
    found = [
        (NETWORK_POLICY, _object(NETWORK_POLICY, "chatops", owner, spec=policy)),
        (QUOTA, _object(QUOTA, "chatops", owner, spec={"hard": quota(options)})),
        (LIMIT_RANGE, _object(LIMIT_RANGE, "chatops", owner, spec={"limits": [limits(options)]})),
    ]
    if options.account is not None:
        found.append((SECRET, {**_object(SECRET, PULL_SECRET, owner), **_pull_secret(options)}))
    # The account of pods that name none: without a token, with the pull secret.
    account = {
        **_object(SERVICE_ACCOUNT, "default", owner),
        "automountServiceAccountToken": False,
        "imagePullSecrets": [{"name": PULL_SECRET}] if options.account is not None else [],
    }
    return [*found, (SERVICE_ACCOUNT, account)]


def network_policy(options: KubernetesOptions, egress: Sequence[str] = ()) -> dict[str, Any]:
    """Return the NetworkPolicy: it allows its own pods, the Ingress controller and the cluster's DNS."""
    routing = options.routing
    inside: list[dict[str, Any]] = [{"podSelector": {}}]
    sources = inside + [{"ipBlock": {"cidr": cidr}} for cidr in routing.cidrs]
    if routing.namespace_labels:
        sources.append({"namespaceSelector": {"matchLabels": dict(routing.namespace_labels)}})
    destinations = inside + [{"ipBlock": {"cidr": cidr}} for cidr in (*options.egress, *egress)]
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": sources}],
        "egress": [{"to": destinations}, *_dns(options.dns)],
    }


def _dns(peers: DnsPeers) -> list[dict[str, Any]]:
    """Return the rule for DNS; none without servers."""
    servers: list[dict[str, Any]] = [{"ipBlock": {"cidr": cidr}} for cidr in peers.cidrs]
    # Two empty selectors would be all pods of the cluster, and an empty list of peers all addresses.
    if peers.namespace_labels or peers.pod_labels:
        selectors = {"namespaceSelector": peers.namespace_labels, "podSelector": peers.pod_labels}
        servers.insert(0, {name: {"matchLabels": dict(labels)} for name, labels in selectors.items()})
    ports = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")]
    return [{"to": servers, "ports": ports}] if servers else []


def quota(options: KubernetesOptions) -> dict[str, str]:
    """Return the ResourceQuota of an environment."""
    bounds = options.limits
    return {
        "pods": str(bounds.pods),
        # Those that have ended count too: a Job that never completes would fill the cluster with them.
        "count/pods": str(ENDED_PODS * bounds.pods),
        "count/jobs.batch": str(ENDED_PODS * bounds.pods),
        "limits.memory": str(bounds.quota_memory),
        "limits.cpu": bounds.quota_cpu,
        "limits.ephemeral-storage": str(bounds.quota_disk),
        "requests.storage": str(bounds.storage),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def limits(options: KubernetesOptions) -> dict[str, Any]:
    """Return the LimitRange: the defaults and maximums of a container."""
    bounds = options.limits
    return {
        "type": "Container",
        "max": {"memory": str(bounds.memory), "cpu": bounds.cpu, "ephemeral-storage": str(bounds.disk)},
        "default": {
            "memory": str(min(bounds.memory, 512 << 20)),
            "cpu": bounds.cpu,
            "ephemeral-storage": str(bounds.disk),
        },
        # None for the disk: not every node reports how much it has, and such a node would get no pods.
        "defaultRequest": {"memory": str(64 << 20), "cpu": "20m", "ephemeral-storage": "0"},
    }


def _object(kind: ObjectKind, name: str, owner: NamespaceOwner, **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, "labels": dict(owner.labels)}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, **rest}


def _pull_secret(options: KubernetesOptions) -> dict[str, Any]:
    account = options.account
    if account is None:
        return {}
    auth = base64.b64encode(f"{account.username}:{account.password}".encode()).decode()
    entry = {"username": account.username, "password": account.password, "auth": auth}
    config = json.dumps({"auths": {account.host: entry}}).encode()
    return {
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(config).decode()},
    }
