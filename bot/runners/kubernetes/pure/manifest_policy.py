"""The policy for a pull request's objects; each violation names the object and the field. Pure.

The baseline is the Pod Security Standard `restricted` without its requirement of non-root users, which the
operator chooses (https://kubernetes.io/docs/concepts/security/pod-security-standards/). The bot checks it,
because servers before 1.25 do not, and because everything must be checked before anything is applied.
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
    elements,
    mapping_at,
    mappings,
)
from bot.runners.kubernetes.pure.pod_policy import pod_violations

DEFAULT_ACCOUNT = "default"

_POD_PATHS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_TOKEN_SECRET = "kubernetes.io/service-account-token"  # noqa: S105 - the name of a type
_SNIPPETS = ("snippet", "lua", "auth-url", "auth-secret", "configuration")
"""Parts of names of Ingress annotations that can make a controller run code or fetch a URL."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A forbidden field of an object."""

    subject: str
    what: str


@dataclass(frozen=True, slots=True)
class ManifestScope:
    """What one pull request's objects may use."""

    namespace: str
    host: str
    """The only hostname that its Ingresses may claim."""
    reserved: frozenset[str] = frozenset()
    """Names of the bot's own Secrets."""


def violations(manifests: Iterable[Manifest], scope: ManifestScope) -> tuple[Violation, ...]:
    """Return all violations, in the order of the objects."""
    listed = tuple(manifests)
    accounts = frozenset(each.name for each in listed if each.known is SERVICE_ACCOUNT and _tokenless(each))
    return tuple(
        Violation(str(each), what)
        for each in listed
        for what in _violations(each, scope, accounts | {DEFAULT_ACCOUNT})
    )


def pod_spec(manifest: Manifest) -> Mapping[str, Any] | None:
    """Return the pod spec of an object's template, if its kind has one."""
    path = _POD_PATHS.get(manifest.kind)
    return None if path is None else mapping_at(manifest.body, *path)


def _violations(manifest: Manifest, scope: ManifestScope, accounts: frozenset[str]) -> Iterator[str]:
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
        for what in pod_violations(spec, accounts=accounts, reserved=scope.reserved):
            yield f"{where}.{what}" if manifest.known is CRON_JOB else what


def _metadata(manifest: Manifest, scope: ManifestScope) -> Iterator[str]:
    metadata = mapping_at(manifest.body, "metadata")
    namespace = metadata.get("namespace")
    if (namespace or scope.namespace) != scope.namespace:
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
        ("tls.hosts", name) for entry in mappings(spec.get("tls")) for name in elements(entry.get("hosts"))
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
