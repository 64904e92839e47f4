"""Namespaces of environments: created with their guardrails, found by labels, deleted as a whole."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from bot.core import naming
from bot.core.reconciling.ownership import moment
from bot.core.runs.fencing import holder_of, may_remove
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import Overtaken
from bot.model.forge import RepoPath
from bot.model.holder import Holder
from bot.model.inventory import Item, ItemKind
from bot.model.reason import Reason
from bot.runners.kubernetes.cluster import MERGE, Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.options import DnsPeers, KubernetesOptions
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure import cluster_labels
from bot.runners.kubernetes.pure.cluster_labels import labels_of
from bot.runners.kubernetes.pure.entry_service import APP
from bot.runners.kubernetes.pure.manifests import (
    LIMIT_RANGE,
    NETWORK_POLICY,
    QUOTA,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    ObjectKind,
)

PULL_SECRET = "chatops-pull"  # noqa: S105 - a name
GONE_AFTER = 180.0
ATTEMPTS = 10
"""Attempts to change a namespace that controllers change at the same time."""
DNS_PORT = 53
ENDED_PODS = 10
"""Pods and Jobs that may exist for each pod that may run."""
NAMESPACES = "/api/v1/namespaces"


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
    egress: Sequence[str] = ()
    """Networks in CIDR notation that its pods may reach, besides those of the settings."""


class Namespaces:
    """Creates, finds and deletes the namespaces of one bot."""

    def __init__(self, cluster: Cluster, options: KubernetesOptions) -> None:
        self._cluster = cluster
        self._options = options

    def name(self, key: EnvironmentKey) -> str:
        """Return the name of an environment's namespace."""
        return naming.namespace(key, self._options.prefix, self._options.instance)

    async def exists(self, key: EnvironmentKey) -> bool:
        """Return whether the environment has a namespace of this bot that is not terminating."""
        return await self.labels(key) is not None

    async def labels(self, key: EnvironmentKey) -> Mapping[str, str] | None:
        """Return the labels of the environment's namespace; None if it has none, or a terminating one."""
        found = await self._cluster.get(f"{NAMESPACES}/{self.name(key)}")
        return labels_of(found) if found and self._ours(found, key) and not _terminating(found) else None

    async def ensure(self, owner: NamespaceOwner) -> str:
        """Create or update the namespace and its guardrails.

        Raises ClusterUnavailable if a terminating one does not go away, ClusterRefused if others own it, and
        Overtaken if a later run or attempt does.
        """
        name = self.name(owner.key)
        for _ in range(ATTEMPTS):
            found = await self._cluster.get(f"{NAMESPACES}/{name}")
            if found is not None and not self._ours(found, owner.key):
                raise ClusterRefused(f"namespace {name} exists and is not of this bot", HTTPStatus.CONFLICT)
            if found is not None and _terminating(found):
                await self._until_gone(name)
                found = None
            if found is not None and not may_remove(labels_of(found), holder_of(owner.labels)):
                raise Overtaken(Reason.CLUSTER_UNAVAILABLE, filter(None, [_item(found)]))
            if await self._write(name, owner, found):
                break
        else:
            raise _changes(name)
        for kind, body in self._guardrails(owner):
            await self._cluster.apply(kind, name, body)
        return name

    async def remove(self, key: EnvironmentKey, holder: Holder) -> None:
        """Delete the namespace with all its objects and wait until it is gone."""
        name = self.name(key)
        if await self.request_deletion(name, key, holder):
            await self._until_gone(name)

    async def request_deletion(self, name: str, key: EnvironmentKey, holder: Holder) -> bool:
        """Delete a namespace without waiting for its end.

        False if it lacks the environment's labels, or is newer than the holder.
        """
        path = f"{NAMESPACES}/{name}"
        for _ in range(ATTEMPTS):
            found = await self._cluster.get(path)
            if found is None or not self._ours(found, key) or not may_remove(labels_of(found), holder):
                return False
            if _terminating(found) or await self._cluster.delete(path, preconditions=_unchanged(found)):
                return True
        raise _changes(name)

    async def all_of_instance(self) -> tuple[Item, ...]:
        """Return every namespace of this bot that is not terminating."""
        return await of_instance(self._cluster, self._options.instance)

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        """Update the expiry annotation, unless the namespace no longer carries our labels."""
        found = await self._cluster.get(f"{NAMESPACES}/{item.id}")
        if found is not None and self._ours(found, item.key) and not _terminating(found):
            await self._annotate(item.id, cluster_labels.ending(expires))

    async def renew_ownership(self, items: Sequence[Item], store: str, until: datetime) -> None:
        """Write into these namespaces until when the bot with this store owns them; skip missing ones."""
        for item in items:
            try:
                await self._annotate(item.id, cluster_labels.owned(store, until))
            except ClusterRefused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise

    async def endpoint(self, key: EnvironmentKey) -> Endpoint | None:
        """Return where the environment's service answers, None if it has none."""
        found = await self._cluster.get(f"{NAMESPACES}/{self.name(key)}")
        if found is None or not self._ours(found, key):
            return None
        notes = found["metadata"].get("annotations") or {}
        name, port = cluster_labels.entry(notes.get(cluster_labels.ANNOTATION_ENTRY, "")) or (APP, 0)
        spec = (await self._cluster.get(SERVICE.path(self.name(key), name)) or {}).get("spec") or {}
        address, ports = str(spec.get("clusterIP", "")), [int(one["port"]) for one in spec.get("ports") or ()]
        port = port or next(iter(ports), 0)
        return Endpoint(address, port) if port in ports and address not in {"", "None"} else None

    async def _annotate(self, name: str, annotations: Mapping[str, str]) -> None:
        body = {"metadata": {"annotations": dict(annotations)}}
        await self._cluster.call("PATCH", f"{NAMESPACES}/{name}", body=body, content=MERGE)

    async def _write(self, name: str, owner: NamespaceOwner, found: Mapping[str, Any] | None) -> bool:
        """Create the namespace, or update it as it was found; False if it has changed in between."""
        metadata: dict[str, Any] = {
            "name": name,
            "labels": {**owner.labels, **cluster_labels.pod_security(self._options.level)},
            "annotations": cluster_labels.annotations(
                owner.key, owner=owner.login, expires=owner.expires, host=owner.host, entry=owner.entry
            ),
        }
        try:
            if found is None:
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
                await self._cluster.call("POST", NAMESPACES, body=body)
            else:
                # A namespace that was made for tests alone becomes that of an environment.
                kept = {cluster_labels.LABEL_ROLE: None, **metadata["labels"]}
                version = found["metadata"]["resourceVersion"]
                body = {"metadata": {**metadata, "labels": kept, "resourceVersion": version}}
                await self._cluster.call("PATCH", f"{NAMESPACES}/{name}", body=body, content=MERGE)
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    async def _until_gone(self, name: str) -> None:
        async def gone() -> bool:
            return await self._cluster.get(f"{NAMESPACES}/{name}") is None

        try:
            await until(GONE_AFTER, gone)
        except TimeoutError:
            raise ClusterUnavailable(
                f"namespace {name} is still terminating after {GONE_AFTER:g} s"
            ) from None

    def _ours(self, found: Mapping[str, Any], key: EnvironmentKey) -> bool:
        wanted = cluster_labels.of_environment(self._options.instance, key)
        return wanted.items() <= labels_of(found).items()

    def _guardrails(self, owner: NamespaceOwner) -> list[tuple[ObjectKind, dict[str, Any]]]:
        options = self._options
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


async def of_instance(cluster: Cluster, instance: str) -> tuple[Item, ...]:
    """Return every namespace with this instance that is not terminating."""
    found = await cluster.list(NAMESPACES, cluster_labels.of_instance(instance))
    items = (_item(one) for one in found if not _terminating(one))
    return tuple(item for item in items if item is not None)


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


def _item(found: Mapping[str, Any]) -> Item | None:
    """Read a namespace; None if its labels and annotations do not name a pull request."""
    metadata = found["metadata"]
    labels, notes = labels_of(found), metadata.get("annotations") or {}
    number, holder = naming.labeled_number(labels, naming.LABEL_NUMBER), holder_of(labels)
    try:
        repo = RepoPath.parse(notes.get(naming.LABEL_REPO, ""))
        made_at = datetime.fromisoformat(metadata["creationTimestamp"]).astimezone(UTC)
    except ValueError:
        return None
    if not number:
        return None
    return Item(
        kind=ItemKind.NAMESPACE,
        id=metadata["name"],
        name=metadata["name"],
        repo=repo,
        number=number,
        environment=notes.get(naming.LABEL_ENVIRONMENT, ""),
        run=holder.run,
        made_at=made_at,
        expires=moment(notes.get(naming.LABEL_EXPIRES, "")),
        attempt=holder.attempt,
        store=holder.store,
        sha=labels.get(naming.LABEL_SHA, ""),
        host=notes.get(naming.LABEL_HOST, ""),
        owned_by=notes.get(naming.LABEL_OWNED_BY, ""),
        owned_until=moment(notes.get(naming.LABEL_OWNED_UNTIL, "")),
    )


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


def _unchanged(found: Mapping[str, Any]) -> dict[str, str]:
    return {part: found["metadata"][part] for part in ("uid", "resourceVersion")}


def _changes(name: str) -> ClusterUnavailable:
    return ClusterUnavailable(f"namespace {name} was changed {ATTEMPTS} times between reading and writing it")


def _terminating(found: Mapping[str, Any]) -> bool:
    return bool(found["metadata"].get("deletionTimestamp"))
