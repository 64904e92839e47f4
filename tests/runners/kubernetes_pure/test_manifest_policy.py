"""Everything that a manifest must not contain, and the path with which it is refused."""

import json
from typing import Any

import pytest

from bot.runners.kubernetes.pure.manifest_policy import ManifestScope, pod_spec, violations
from bot.runners.kubernetes.pure.manifests import Manifest, read

HOST = "pr-12-shop.example.com"
SCOPE = ManifestScope("pr-12-shop", HOST, frozenset({"chatops-pull"}))


def obj(kind: str, api: str = "v1", **rest: Any) -> Manifest:
    body = {"apiVersion": api, "kind": kind, "metadata": {"name": "web"}, **rest}
    return read(json.dumps(body))[0]


def deployment(pod: dict[str, Any] | None = None, container: dict[str, Any] | None = None) -> Manifest:
    spec = {"containers": [{"name": "c", "image": "x", **(container or {})}], **(pod or {})}
    return obj("Deployment", "apps/v1", spec={"template": {"spec": spec}})


def refused(*manifests: Manifest) -> list[str]:
    return [each.what for each in violations(manifests, SCOPE)]


FINE = [
    deployment(
        {
            "automountServiceAccountToken": False,
            "serviceAccountName": "theirs",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "hostNetwork": False,
            "schedulerName": "default-scheduler",
            "volumes": [
                {"name": "v", "emptyDir": {}},
                {"name": "s", "secret": {"secretName": "theirs"}},
                {"name": "p", "projected": {"sources": [{"configMap": {"name": "x"}}]}},
            ],
        },
        {
            "securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}},
            "ports": [{"containerPort": 8080}],
            "env": [
                {"name": "A", "value": "1"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "k"}}},
            ],
            "envFrom": [{"secretRef": {"name": "theirs"}}, {"configMapRef": {"name": "c"}}],
        },
    ),
    deployment({"securityContext": None, "volumes": None}),
    obj("ConfigMap"),
    obj("Secret", type="Opaque"),
    obj("Service", spec={"ports": [{"port": 80}]}),
    obj("ServiceAccount", automountServiceAccountToken=False),
    obj(
        "Ingress",
        "networking.k8s.io/v1",
        metadata={"name": "web", "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "8m"}},
        spec={"rules": [{"host": HOST}], "tls": [{"hosts": [HOST]}, {}]},
    ),
]


@pytest.mark.parametrize("manifest", FINE, ids=str)
def test_common_manifests_are_allowed(manifest: Manifest) -> None:
    assert refused(manifest) == []


POD: list[tuple[dict[str, Any], str]] = [
    ({"hostNetwork": True}, "hostNetwork: true"),
    ({"hostPID": True}, "hostPID: true"),
    ({"hostIPC": True}, "hostIPC: true"),
    ({"hostNetwork": "yes"}, "hostNetwork: true"),
    ({"nodeName": "n1"}, "nodeName"),
    ({"priorityClassName": "system-node-critical"}, "priorityClassName"),
    ({"tolerations": [{"operator": "Exists"}]}, "tolerations"),
    ({"automountServiceAccountToken": True}, "automountServiceAccountToken: true"),
    ({"serviceAccountName": "admin"}, "serviceAccountName: admin"),
    ({"securityContext": {"sysctls": [{"name": "x", "value": "1"}]}}, "securityContext.sysctls"),
    (
        {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
        "securityContext.seccompProfile: Unconfined",
    ),
    ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volumes.v.hostPath"),
    ({"volumes": [{"name": "v", "nfs": {}}]}, "volumes.v.nfs"),
    (
        {"volumes": [{"name": "v", "secret": {"secretName": "chatops-pull"}}]},
        "volumes.v.secret: chatops-pull",
    ),
    (
        {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
        "volumes.v.projected: serviceAccountToken",
    ),
    (
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "chatops-pull"}}]}}]},
        "volumes.v.projected.secret: chatops-pull",
    ),
    (
        {"initContainers": [{"name": "i", "securityContext": {"privileged": True}}]},
        "initContainers.i.securityContext.privileged",
    ),
]


@pytest.mark.parametrize(("pod", "what"), POD, ids=[what for _, what in POD])
def test_pods_have_no_access_to_their_node(pod: dict[str, Any], what: str) -> None:
    assert refused(deployment(pod)) == [what]


CONTAINER: list[tuple[dict[str, Any], str]] = [
    ({"securityContext": {"privileged": True}}, "securityContext.privileged"),
    ({"securityContext": {"allowPrivilegeEscalation": True}}, "securityContext.allowPrivilegeEscalation"),
    ({"securityContext": {"procMount": "Unmasked"}}, "securityContext.procMount"),
    (
        {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}},
        "securityContext.capabilities.add: SYS_ADMIN",
    ),
    ({"ports": [{"hostPort": 22}]}, "ports.hostPort: 22"),
    ({"volumeDevices": [{"name": "d"}]}, "volumeDevices"),
    ({"env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "chatops-pull"}}}]}, "env.P"),
    ({"envFrom": [{"secretRef": {"name": "chatops-pull"}}]}, "envFrom.secretRef"),
]


@pytest.mark.parametrize(("container", "what"), CONTAINER, ids=[what for _, what in CONTAINER])
def test_containers_get_no_node_privileges(container: dict[str, Any], what: str) -> None:
    assert refused(deployment(container=container)) == [f"containers.c.{what}"]


OBJECTS: list[tuple[Manifest, str]] = [
    (obj("Namespace"), "apiVersion: v1, kind: Namespace"),
    (obj("Pod"), "apiVersion: v1, kind: Pod"),
    (obj("NetworkPolicy", "networking.k8s.io/v1"), "apiVersion: networking.k8s.io/v1, kind: NetworkPolicy"),
    (
        obj("ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
        "apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding",
    ),
    (
        obj("RoleBinding", "rbac.authorization.k8s.io/v1"),
        "apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding",
    ),
    (obj("DaemonSet", "apps/v1"), "apiVersion: apps/v1, kind: DaemonSet"),
    (obj("ConfigMap", metadata={"name": "x", "namespace": "kube-system"}), "metadata.namespace: kube-system"),
    (obj("ConfigMap", metadata={"name": "x", "finalizers": ["f"]}), "metadata.finalizers"),
    (obj("ConfigMap", metadata={"name": "x", "ownerReferences": [{}]}), "metadata.ownerReferences"),
    (obj("Secret", metadata={"name": "chatops-pull"}), "metadata.name: chatops-pull"),
    (
        obj("ServiceAccount", metadata={"name": "default"}, automountServiceAccountToken=False),
        "metadata.name: default",
    ),
    (obj("Secret", type="kubernetes.io/service-account-token"), "type: kubernetes.io/service-account-token"),
    (obj("ServiceAccount"), "automountServiceAccountToken is not false"),
    (obj("Service", spec={"type": "NodePort"}), "spec.type: NodePort"),
    (obj("Service", spec={"type": "ExternalName"}), "spec.type: ExternalName"),
    (obj("Service", spec={"externalIPs": ["1.2.3.4"]}), "spec.externalIPs"),
    (
        obj("Ingress", "networking.k8s.io/v1", spec={"rules": [{"host": "www.example.com"}]}),
        "spec.rules.host: www.example.com",
    ),
    (obj("Ingress", "networking.k8s.io/v1", spec={"rules": [{}]}), "spec.rules.host: None"),
    (obj("Ingress", "networking.k8s.io/v1", spec={"tls": [{"hosts": ["x"]}]}), "spec.tls.hosts: x"),
    (obj("Ingress", "networking.k8s.io/v1", spec={"defaultBackend": {"service": {}}}), "spec.defaultBackend"),
    (
        obj(
            "Ingress",
            "networking.k8s.io/v1",
            metadata={"name": "x", "annotations": {"nginx.ingress.kubernetes.io/server-snippet": "…"}},
        ),
        "metadata.annotations: nginx.ingress.kubernetes.io/server-snippet",
    ),
]


@pytest.mark.parametrize(("manifest", "what"), OBJECTS, ids=[what for _, what in OBJECTS])
def test_an_object_stays_within_its_namespace(manifest: Manifest, what: str) -> None:
    assert refused(manifest) == [what]


MAPPING = {"a": 1}
WRONG_TYPES = [
    obj("ConfigMap", metadata={"name": "x", "namespace": MAPPING}),
    obj("Ingress", "networking.k8s.io/v1", spec={"tls": [{"hosts": 1}]}),
    deployment({"serviceAccountName": MAPPING}),
    deployment({"volumes": [{"name": "v", "secret": {"secretName": MAPPING}}]}),
    deployment({"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": MAPPING}}]}}]}),
    deployment(container={"env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": MAPPING}}}]}),
    deployment(container={"envFrom": [{"secretRef": {"name": MAPPING}}]}),
    deployment(container={"securityContext": {"procMount": MAPPING}}),
    deployment(container={"securityContext": {"capabilities": {"add": 1}}}),
    deployment(container={"securityContext": {"capabilities": {"add": [MAPPING]}}}),
]


@pytest.mark.parametrize("manifest", WRONG_TYPES, ids=range(len(WRONG_TYPES)))
def test_values_of_wrong_types_are_left_to_the_server_or_refused(manifest: Manifest) -> None:
    assert len(refused(manifest)) <= 1


def test_an_account_whose_token_is_not_mounted_may_be_used() -> None:
    account = obj("ServiceAccount", automountServiceAccountToken=False)

    assert refused(account, deployment({"serviceAccountName": "web"})) == []


def test_cron_jobs_are_checked() -> None:
    pod = {"hostPID": True, "containers": []}
    found = obj("CronJob", "batch/v1", spec={"jobTemplate": {"spec": {"template": {"spec": pod}}}})

    assert refused(found) == ["spec.jobTemplate.spec.template.spec.hostPID: true"]
    assert pod_spec(found) == pod
    assert pod_spec(obj("ConfigMap")) is None


def test_every_violation_names_its_object() -> None:
    found = violations([obj("Namespace"), deployment({"hostIPC": True})], SCOPE)

    assert [each.subject for each in found] == ["Namespace/web", "Deployment/web"]
