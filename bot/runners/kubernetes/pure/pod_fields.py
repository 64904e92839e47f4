"""The fields of pods, their containers and volumes that manifests may use. Pure.

The floor is the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
The bot checks them, because servers before 1.23 do not, and because everything must be checked before
anything is applied. What `restricted` requires is filled in where it is missing.
"""

from collections.abc import Mapping
from typing import Any, Final

from bot.core.admission.images import registry_and_path
from bot.runners.kubernetes.pure.field_rules import (
    BASELINE_SETTING,
    FREE,
    Fill,
    ManifestScope,
    Refusal,
    Rule,
    at_most,
    constant,
    each,
    free,
    group,
    off,
    only,
    suggested,
)
from bot.runners.kubernetes.pure.metadata_fields import METADATA, pull_secret, readable_secret

LONGEST_GRACE = 60
"""Seconds that a pod may take to stop."""
RESTRICTED_CAPABILITIES = ("NET_BIND_SERVICE",)
BASELINE_CAPABILITIES = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
    *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
SAFE_SYSCTLS = (
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports"),
    *("net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout"),
    *("net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time"),
    *("net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem"),
)


def _in_restricted(value: Any) -> Fill:
    return lambda scope: value if scope.level == "restricted" else None


def _user(value: Any, scope: ManifestScope) -> Refusal | None:
    is_root = type(value) is not int or value < 1
    return Refusal(setting=BASELINE_SETTING) if scope.level == "restricted" and is_root else None


def _non_root(value: Any, scope: ManifestScope) -> Refusal | None:
    is_root = scope.level == "restricted" and value is not True
    return Refusal(setting=BASELINE_SETTING) if is_root else None


def _added(value: Any, scope: ManifestScope) -> Refusal | None:
    allowed = RESTRICTED_CAPABILITIES if scope.level == "restricted" else BASELINE_CAPABILITIES
    fine = isinstance(value, list) and all(each_ in allowed for each_ in value)
    return None if fine else Refusal(", ".join(allowed))


def _drops(value: Any, scope: ManifestScope) -> Refusal | None:
    fine = scope.level == "baseline" or (isinstance(value, list) and "ALL" in value)
    return None if fine else Refusal("ALL")


def _image(value: Any, scope: ManifestScope) -> Refusal | None:
    """Check an image: the pull secret could read the images of all repositories."""
    if not isinstance(value, str):
        return Refusal()
    if any(scope.images.allows(value, own) for own in scope.own_images or ("",)):
        return None
    return suggested("[registry] bases", "/".join(registry_and_path(value)))


def _storage_class(value: Any, scope: ManifestScope) -> Refusal | None:
    return None if value in scope.allowed.storage_classes else Refusal()


_READABLE_SECRET: Final = Rule(readable_secret)
PULL_SECRETS: Final = each({"name": Rule(pull_secret)})
_PROFILE: Final = {"type": only("RuntimeDefault")}
_ALL: Final = _in_restricted(["ALL"])
_SECURITY: Final = {
    **free("runAsGroup"),
    "appArmorProfile": group(_PROFILE),
    "runAsUser": Rule(_user),
    "runAsNonRoot": Rule(_non_root),
    "seLinuxOptions": group({}),  # Bitnami's charts write an empty one
}
_POD_SECURITY: Final = {
    **_SECURITY,
    **free("fsGroup fsGroupChangePolicy supplementalGroups supplementalGroupsPolicy"),
    "runAsUser": Rule(_user, fill=lambda scope: scope.run_as_user),
    "runAsNonRoot": Rule(_non_root, fill=_in_restricted(value=True)),
    "seccompProfile": group(_PROFILE, fill=constant({"type": "RuntimeDefault"})),
    "sysctls": each({"name": only(*SAFE_SYSCTLS), "value": FREE}),
}
_CONTAINER_SECURITY: Final = {
    **_SECURITY,
    **free("readOnlyRootFilesystem"),
    "allowPrivilegeEscalation": off(always=True),
    "capabilities": group(
        {"add": Rule(_added), "drop": Rule(_drops, fill=_ALL, instead=_ALL)},
        always=True,
    ),
    "privileged": off(),
    "procMount": only("Default"),
    "seccompProfile": group(_PROFILE),
}

_RESOURCES: Final = group(dict.fromkeys(("limits", "requests"), group(free("cpu memory ephemeral-storage"))))
# No `host`: the node connects to it, from its own network.
_HTTP_GET: Final = group(free("path port scheme httpHeaders"))
_TCP_SOCKET: Final = group(free("port"))
_PROBE: Final = group(
    {
        **free(
            "initialDelaySeconds periodSeconds timeoutSeconds successThreshold failureThreshold exec grpc"
        ),
        "httpGet": _HTTP_GET,
        "tcpSocket": _TCP_SOCKET,
        "terminationGracePeriodSeconds": at_most(LONGEST_GRACE),
    }
)
# No requests: the nodes of older servers follow their redirects to anywhere.
_HANDLER: Final = group({**free("exec"), "sleep": group({"seconds": at_most(LONGEST_GRACE)})})
_SECRET_REFERENCE: Final = group({**free("key optional"), "name": _READABLE_SECRET})
_CONTAINER: Final = each(
    {
        "image": Rule(_image),
        **free("name imagePullPolicy command args workingDir restartPolicy resizePolicy"),
        **free("stdin stdinOnce tty terminationMessagePath terminationMessagePolicy"),
        "env": each(
            {
                **free("name value"),
                "valueFrom": group(
                    {**free("configMapKeyRef fieldRef resourceFieldRef"), "secretKeyRef": _SECRET_REFERENCE}
                ),
            }
        ),
        "envFrom": each({**free("prefix configMapRef"), "secretRef": _SECRET_REFERENCE}),
        "lifecycle": group({**free("stopSignal"), "postStart": _HANDLER, "preStop": _HANDLER}),
        "livenessProbe": _PROBE,
        "ports": each({**free("name containerPort protocol"), "hostPort": only(0)}),
        "readinessProbe": _PROBE,
        "resources": _RESOURCES,
        "securityContext": group(_CONTAINER_SECURITY, always=True),
        "startupProbe": _PROBE,
        "volumeMounts": each(
            {
                **free("name mountPath subPath subPathExpr readOnly recursiveReadOnly"),
                "mountPropagation": only("None"),
            }
        ),
    }
)

CLAIM: Final = group(
    {
        **free("accessModes"),
        "resources": group(dict.fromkeys(("limits", "requests"), group(free("storage")))),
        # Another class may have existing volumes, and "" binds any of them.
        "storageClassName": Rule(_storage_class, instead=constant(None)),
        "volumeMode": only("Filesystem"),
    }
)
_SECRET_FILES: Final = free("items defaultMode optional")
_VOLUME: Final = each(
    {
        **free("name configMap downwardAPI persistentVolumeClaim"),
        "emptyDir": group(
            {"medium": only("Memory"), "sizeLimit": Rule(fill=lambda scope: scope.volume_size)}
        ),
        "ephemeral": group({"volumeClaimTemplate": group({"metadata": METADATA, "spec": CLAIM})}),
        "projected": group(
            {
                **free("defaultMode"),
                "sources": each(
                    {
                        **free("configMap downwardAPI"),
                        "secret": group({**_SECRET_FILES, "name": _READABLE_SECRET}),
                    }
                ),
            }
        ),
        "secret": group({**_SECRET_FILES, "secretName": _READABLE_SECRET}),
    }
)

_NODE_TERM: Final = {
    "matchExpressions": each(
        {**free("operator values"), "key": only("kubernetes.io/os", "kubernetes.io/arch")},
    )
}
_POD_TERM: Final = free("labelSelector matchLabelKeys mismatchLabelKeys topologyKey")


def _affinity(term: Mapping[str, Rule]) -> Rule:
    return group(
        {
            "requiredDuringSchedulingIgnoredDuringExecution": each(term),
            "preferredDuringSchedulingIgnoredDuringExecution": each(
                {**free("weight"), "podAffinityTerm": group(term)}
            ),
        }
    )


_NODE_AFFINITY: Final = group(
    {
        "requiredDuringSchedulingIgnoredDuringExecution": group({"nodeSelectorTerms": each(_NODE_TERM)}),
        "preferredDuringSchedulingIgnoredDuringExecution": each(
            {**free("weight"), "preference": group(_NODE_TERM)}
        ),
    }
)

_POD: Final[Mapping[str, Rule]] = {
    **free("activeDeadlineSeconds enableServiceLinks hostAliases hostname restartPolicy"),
    **free("serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain"),
    **free("topologySpreadConstraints"),
    "affinity": group(
        {
            "nodeAffinity": _NODE_AFFINITY,
            "podAffinity": _affinity(_POD_TERM),
            "podAntiAffinity": _affinity(_POD_TERM),
        }
    ),
    "automountServiceAccountToken": off(always=True),
    "containers": _CONTAINER,
    "dnsConfig": group(free("options searches")),
    "dnsPolicy": only("ClusterFirst"),
    "hostIPC": off(),
    "hostNetwork": off(),
    "hostPID": off(),
    "hostUsers": off(),
    "imagePullSecrets": PULL_SECRETS,
    "initContainers": _CONTAINER,
    "nodeSelector": group(free("kubernetes.io/os kubernetes.io/arch")),
    "os": group({"name": only("linux")}),
    "resources": _RESOURCES,
    "schedulerName": only("default-scheduler"),
    "securityContext": group(_POD_SECURITY, always=True),
    "terminationGracePeriodSeconds": at_most(LONGEST_GRACE),
    "volumes": _VOLUME,
}
POD_TEMPLATE: Final = group({"metadata": METADATA, "spec": group(_POD)})
