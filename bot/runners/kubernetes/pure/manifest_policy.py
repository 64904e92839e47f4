"""What a pull request's objects may ask of a cluster; whatever else they ask for is refused by name. Pure.

The floor is the `restricted` Pod Security Standard without its demand for non-root users, which the operator
chooses (https://kubernetes.io/docs/concepts/security/pod-security-standards/). It is checked here because
servers before 1.25 do not, and because nothing may be applied before all of it was looked at.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.runners.kubernetes.pure.manifests import (
    CRON_JOB,
    INGRESS,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    Manifest,
    mapping_at,
    mappings,
)
from bot.runners.kubernetes.pure.pod_policy import asked_of_pod

DEFAULT_ACCOUNT = "default"

_POD_PATHS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_TOKEN_SECRET = "kubernetes.io/service-account-token"  # noqa: S105 - the name of a type
_SNIPPETS = ("snippet", "lua", "auth-url", "auth-secret", "configuration")
"""Parts of the names of Ingress annotations by which a controller can be made to run or fetch something."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that is not allowed: which object asks for what."""

    subject: str
    what: str


@dataclass(frozen=True, slots=True)
class ManifestScope:
    """What one pull request's objects must keep to."""

    namespace: str
    host: str
    """The only host name that its Ingresses may claim."""
    reserved: frozenset[str] = frozenset()
    """Names of secrets that are the bot's own."""


def violations(manifests: Iterable[Manifest], scope: ManifestScope) -> tuple[Violation, ...]:
    """Return all that is not allowed, in the order of the objects."""
    listed = tuple(manifests)
    accounts = frozenset(each.name for each in listed if each.known is SERVICE_ACCOUNT and _tokenless(each))
    return tuple(
        Violation(str(each), what)
        for each in listed
        for what in _asked(each, scope, accounts | {DEFAULT_ACCOUNT})
    )


def pod_spec(manifest: Manifest) -> Mapping[str, Any] | None:
    """Return the pod that an object's template describes, if its kind has one."""
    path = _POD_PATHS.get(manifest.kind)
    return None if path is None else mapping_at(manifest.body, *path)


def _asked(manifest: Manifest, scope: ManifestScope, accounts: frozenset[str]) -> Iterator[str]:
    if manifest.known is None:
        yield f"apiVersion: {manifest.api_version}, kind: {manifest.kind}"
        return
    yield from _metadata(manifest, scope)
    if manifest.known is SERVICE_ACCOUNT and not _tokenless(manifest):
        yield "automountServiceAccountToken is not false"
    if manifest.known is SECRET and manifest.body.get("type") == _TOKEN_SECRET:
        yield f"type: {_TOKEN_SECRET}"
    if manifest.known is SERVICE:
        yield from _service(mapping_at(manifest.body, "spec"))
    if manifest.known is INGRESS:
        yield from _ingress(manifest.body, scope.host)
    if (spec := pod_spec(manifest)) is not None:
        where = ".".join(_POD_PATHS[manifest.kind])
        for what in asked_of_pod(spec, accounts=accounts, reserved=scope.reserved):
            yield f"{where}.{what}" if manifest.known is CRON_JOB else what


def _metadata(manifest: Manifest, scope: ManifestScope) -> Iterator[str]:
    metadata = mapping_at(manifest.body, "metadata")
    namespace = metadata.get("namespace")
    if namespace not in {None, "", scope.namespace}:
        yield f"metadata.namespace: {namespace}"
    if metadata.get("ownerReferences"):
        yield "metadata.ownerReferences"
    if metadata.get("finalizers"):
        yield "metadata.finalizers"
    taken = {SECRET: scope.reserved, SERVICE_ACCOUNT: {DEFAULT_ACCOUNT}}
    if manifest.known is not None and manifest.name in taken.get(manifest.known, ()):
        yield f"metadata.name: {manifest.name}"


def _service(spec: Mapping[str, Any]) -> Iterator[str]:
    kind = spec.get("type", "ClusterIP")
    if kind != "ClusterIP":
        yield f"spec.type: {kind}"
    if spec.get("externalIPs"):
        yield "spec.externalIPs"


def _ingress(body: Mapping[str, Any], host: str) -> Iterator[str]:
    spec = mapping_at(body, "spec")
    claimed = [("rules.host", rule.get("host")) for rule in mappings(spec.get("rules"))]
    claimed += [
        ("tls.hosts", name) for entry in mappings(spec.get("tls")) for name in entry.get("hosts") or ()
    ]
    for where, name in claimed:
        if name != host:
            yield f"spec.{where}: {name}"
    if spec.get("defaultBackend"):
        yield "spec.defaultBackend"
    for name in mapping_at(body, "metadata", "annotations"):
        if any(part in name.rpartition("/")[2] for part in _SNIPPETS):
            yield f"metadata.annotations: {name}"


def _tokenless(manifest: Manifest) -> bool:
    return manifest.body.get("automountServiceAccountToken") is False
