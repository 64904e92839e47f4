"""The part of `manifest_policy` that checks pod specs. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from bot.runners.kubernetes.pure.manifests import elements, mapping_at, mappings

HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
VOLUMES = {
    "configMap",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
CAPABILITIES = {"NET_BIND_SERVICE"}
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_CHOSEN_BY_THE_CLUSTER = ("nodeName", "priorityClassName", "runtimeClassName", "schedulerName", "tolerations")
_NEVER = ("privileged", "allowPrivilegeEscalation", "sysctls", "seLinuxOptions", "windowsOptions")
_DEFAULT_SCHEDULER = "default-scheduler"


def pod_violations(
    spec: Mapping[str, Any], *, accounts: Collection[str], reserved: Collection[str]
) -> Iterator[str]:
    """Yield the forbidden fields of a pod.

    `accounts` are the service accounts whose tokens are not mounted, `reserved` the Secrets it may not read.
    """
    for name in HOST_NAMESPACES:
        if spec.get(name):
            yield f"{name}: true"
    for name in _CHOSEN_BY_THE_CLUSTER:
        if spec.get(name) and spec.get(name) != _DEFAULT_SCHEDULER:
            yield name
    yield from _token(spec, accounts)
    yield from _security(spec.get("securityContext"), "securityContext")
    for volume in mappings(spec.get("volumes")):
        yield from _volume(volume, reserved)
    for group in _CONTAINERS:
        for container in mappings(spec.get(group)):
            yield from _container(container, f"{group}.{container.get('name')}", reserved)


def _token(spec: Mapping[str, Any], accounts: Collection[str]) -> Iterator[str]:
    if spec.get("automountServiceAccountToken"):
        yield "automountServiceAccountToken: true"
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    if str(account) not in accounts and spec.get("automountServiceAccountToken") is not False:
        yield f"serviceAccountName: {account}"


def _volume(volume: Mapping[str, Any], reserved: Collection[str]) -> Iterator[str]:
    name = volume.get("name")
    for kind in volume.keys() - VOLUMES - {"name"}:
        yield f"volumes.{name}.{kind}"
    secret = mapping_at(volume, "secret").get("secretName")
    if str(secret) in reserved:
        yield f"volumes.{name}.secret: {secret}"
    for source in mappings(mapping_at(volume, "projected").get("sources")):
        if not source.keys() <= {"configMap", "secret", "downwardAPI"}:
            yield f"volumes.{name}.projected: {', '.join(sorted(source))}"
        secret = mapping_at(source, "secret").get("name")
        if str(secret) in reserved:
            yield f"volumes.{name}.projected.secret: {secret}"


def _container(container: Mapping[str, Any], where: str, reserved: Collection[str]) -> Iterator[str]:
    yield from _security(container.get("securityContext"), f"{where}.securityContext")
    for port in mappings(container.get("ports")):
        if port.get("hostPort"):
            yield f"{where}.ports.hostPort: {port.get('hostPort')}"
    if container.get("volumeDevices"):
        yield f"{where}.volumeDevices"
    for variable in mappings(container.get("env")):
        if str(mapping_at(variable, "valueFrom", "secretKeyRef").get("name")) in reserved:
            yield f"{where}.env.{variable.get('name')}"
    for source in mappings(container.get("envFrom")):
        if str(mapping_at(source, "secretRef").get("name")) in reserved:
            yield f"{where}.envFrom.secretRef"


def _security(context: Any, where: str) -> Iterator[str]:
    if not isinstance(context, Mapping):
        return
    yield from (f"{where}.{name}" for name in _NEVER if context.get(name))
    if (context.get("procMount") or "Default") != "Default":
        yield f"{where}.procMount"
    for name in ("seccompProfile", "appArmorProfile"):
        if mapping_at(context, name).get("type") == "Unconfined":
            yield f"{where}.{name}: Unconfined"
    for capability in elements(mapping_at(context, "capabilities").get("add")):
        if str(capability) not in CAPABILITIES:
            yield f"{where}.capabilities.add: {capability}"
