"""The Pod Security Standards are the policy's floor: each control, field and value of their tables.

https://kubernetes.io/docs/concepts/security/pod-security-standards/; controls and fields in its order. The
policy is stricter for profiles of the node (`Localhost`), options of SELinux, CSI volumes, ephemeral
containers, and requests as hooks.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from bot.runners.kubernetes.pure.field_rules import ManifestScope, PodSecurityLevel
from bot.runners.kubernetes.pure.manifest_policy import review
from bot.runners.kubernetes.pure.manifests import read

LEVELS: tuple[PodSecurityLevel, ...] = get_args(PodSecurityLevel)
GROUPS = ("containers", "initContainers", "ephemeralContainers")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("lifecycle.postStart", "lifecycle.preStop")
VOLUMES = (
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker"),
    *("gcePersistentDisk", "gitRepo", "glusterfs", "hostPath", "iscsi", "nfs", "photonPersistentDisk"),
    *("portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
)
APPARMOR = "container.apparmor.security.beta.kubernetes.io/c"
ANYWHERE, CONTAINERS, POD = "pod and containers", "containers", "pod"

Row = tuple[str, str, list[Any], list[Any]]
"""Field, where it is, refused values, allowed values."""

BASELINE: dict[str, list[Row]] = {
    "HostProcess": [("securityContext.windowsOptions.hostProcess", ANYWHERE, [True], [])],
    "Host Namespaces": [(name, POD, [True], [False]) for name in ("hostNetwork", "hostPID", "hostIPC")],
    "Privileged Containers": [("securityContext.privileged", CONTAINERS, [True], [False])],
    "Capabilities": [
        (
            "securityContext.capabilities.add",
            CONTAINERS,
            [
                ["NET_ADMIN"],
                ["NET_RAW"],
                ["SYS_ADMIN"],
                ["SYS_PTRACE"],
                ["BPF"],
                ["ALL"],
                ["CHOWN", "SYS_TIME"],
            ],
            [
                *(["AUDIT_WRITE"], ["CHOWN"], ["DAC_OVERRIDE"], ["FOWNER"], ["FSETID"], ["KILL"], ["MKNOD"]),
                *(["NET_BIND_SERVICE"], ["SETFCAP"], ["SETGID"], ["SETPCAP"], ["SETUID"], ["SYS_CHROOT"]),
            ],
        )
    ],
    "HostPath Volumes": [("volumes", POD, [[{"name": "v", "hostPath": {"path": "/"}}]], [])],
    "Host Ports": [("ports", CONTAINERS, [[{"hostPort": 1}], [{"hostPort": 65535}]], [[{"hostPort": 0}]])],
    "Host Probes / Lifecycle Hooks": [
        (f"{caller}.{how}.host", CONTAINERS, ["10.0.0.1", "127.0.0.1"], [""] if caller in PROBES else [])
        for caller in (*PROBES, *HOOKS)
        for how in ("httpGet", "tcpSocket")
    ],
    "AppArmor": [("securityContext.appArmorProfile.type", ANYWHERE, ["Unconfined"], ["RuntimeDefault"])],
    "SELinux": [
        ("securityContext.seLinuxOptions.type", ANYWHERE, ["spc_t", "unconfined_t"], []),
        ("securityContext.seLinuxOptions.user", ANYWHERE, ["system_u"], []),
        ("securityContext.seLinuxOptions.role", ANYWHERE, ["system_r"], []),
    ],
    "/proc Mount Type": [("securityContext.procMount", CONTAINERS, ["Unmasked"], ["Default"])],
    "Seccomp": [("securityContext.seccompProfile.type", ANYWHERE, ["Unconfined"], ["RuntimeDefault"])],
    "Sysctls": [
        (
            "securityContext.sysctls",
            POD,
            [
                [{"name": name, "value": "1"}]
                for name in ("kernel.msgmax", "net.core.somaxconn", "vm.swappiness")
            ],
            [
                [{"name": name, "value": "1"}]
                for name in (
                    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"),
                    *("net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"),
                    *("net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time"),
                    *("net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
                    *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
                )
            ],
        )
    ],
}
RESTRICTED: dict[str, list[Row]] = {
    "Volume Types": [
        (
            "volumes",
            POD,
            [[{"name": "v", kind: {"x": "y"}}] for kind in VOLUMES],
            [
                [{"name": "v", "configMap": {"name": "x"}}],
                [{"name": "v", "downwardAPI": {"items": []}}],
                [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}],
                [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}],
                [{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}],
                [{"name": "v", "projected": {"sources": []}}],
                [{"name": "v", "secret": {"secretName": "x"}}],
            ],
        )
    ],
    "Privilege Escalation": [("securityContext.allowPrivilegeEscalation", CONTAINERS, [True], [False])],
    "Running as Non-root": [("securityContext.runAsNonRoot", ANYWHERE, [False], [True])],
    "Running as Non-root user": [("securityContext.runAsUser", ANYWHERE, [0], [1, 65534])],
    "Seccomp": BASELINE["Seccomp"],
    "Capabilities": [
        (
            "securityContext.capabilities.add",
            CONTAINERS,
            [["CHOWN"], ["SETUID"], ["NET_RAW"], ["NET_BIND_SERVICE", "KILL"]],
            [["NET_BIND_SERVICE"]],
        )
    ],
}


def pod(where: str, path: str, value: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"containers": [{"name": "c", "image": "x"}]}
    node = found
    if where != POD:
        found[where] = [{"name": "c", "image": "x"}]
        node = found[where][0]
    *parents, last = path.split(".")
    for name in parents:
        node = node.setdefault(name, {})
    node[last] = copy.deepcopy(value)
    return found


def places(where: str, groups: tuple[str, ...]) -> list[str]:
    return [*([POD] if where != CONTAINERS else []), *(groups if where != POD else [])]


def rows(level: PodSecurityLevel) -> Iterator[Row]:
    for fields in ({**BASELINE, **RESTRICTED} if level == "restricted" else BASELINE).values():
        yield from fields


def refused() -> Iterator[Any]:
    for levels, table in ((LEVELS, BASELINE), (("restricted",), RESTRICTED)):
        for path, where, values, _ in (row for fields in table.values() for row in fields):
            for place in places(where, GROUPS):
                for value in values:
                    trick = f"{levels[0]}: {place}.{path}: {json.dumps(value)}"
                    yield pytest.param(levels, pod(place, path, value), id=trick)


def check(level: PodSecurityLevel, spec: dict[str, Any], **metadata: Any) -> tuple[list[str], dict[str, Any]]:
    template = {"metadata": metadata, "spec": spec}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"template": template},
    }
    found = review(read(json.dumps(body)), ManifestScope("pr-12-shop", "x", level=level))
    applied: dict[str, Any] = found.manifests[0].body["spec"]["template"]["spec"]
    return [each.what for each in found.violations], applied


@pytest.mark.attack
@pytest.mark.parametrize(("levels", "spec"), list(refused()))
def test_a_forbidden_value_is_refused(levels: tuple[PodSecurityLevel, ...], spec: dict[str, Any]) -> None:
    for level in levels:
        assert check(level, spec)[0] != []


@pytest.mark.parametrize("level", LEVELS)
def test_allowed_values_are_not_refused(level: PodSecurityLevel) -> None:
    for path, where, _, values in rows(level):
        for place in places(where, GROUPS[:2]):
            for value in values:
                assert check(level, pod(place, path, value))[0] == [], f"{place}.{path}: {value}"


@pytest.mark.attack
@pytest.mark.parametrize("where", [POD, *GROUPS[:2]])
def test_what_restricted_requires_is_filled_in(where: str) -> None:
    _, applied = check("restricted", pod(where, "securityContext", {}))

    assert applied["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in [*applied["containers"], *applied.get("initContainers", [])]:
        context = container["securityContext"]
        assert context == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.mark.attack
@pytest.mark.parametrize("profile", ["unconfined", "localhost/x"])
def test_a_profile_of_apparmor_by_annotation_is_refused(profile: str) -> None:
    spec: dict[str, Any] = {"containers": []}

    assert check("baseline", spec, annotations={APPARMOR: profile})[0] != []
    assert check("baseline", spec, annotations={APPARMOR: "runtime/default"})[0] == []
