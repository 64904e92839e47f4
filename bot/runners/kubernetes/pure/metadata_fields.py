"""The metadata that manifests may have: names, labels and annotations. Pure.

Controllers of a cluster act on annotations and labels: they claim hostnames, copy Secrets, attach networks or
cloud roles. So only those are allowed that are known to concern nothing but the object itself.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.runners.kubernetes.pure.field_rules import (
    FREE,
    ManifestScope,
    Refusal,
    Rule,
    dropped,
    free,
    matching,
    never,
    only,
)
from bot.runners.kubernetes.pure.part_secrets import PREFIX

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_DEFAULT_ACCOUNT = "default"
_BOOLEAN = only("true", "false")
# A value that nginx cannot read keeps its controller from routing anybody.
_SECONDS = matching(r"[0-9]{1,5}", "0–99999")
_SIZE = matching(r"[0-9]{1,4}[kmgKMG]?", "0–9999 k m g")
_RUNTIME_PROFILE = only("runtime/default", "docker/default")
_NGINX = "nginx.ingress.kubernetes.io"

ANNOTATIONS: Final[Mapping[str, Rule]] = {
    "chatops.*": never(),
    "helm.sh/hook": FREE,
    "helm.sh/hook-*": FREE,
    "checksum/*": FREE,
    "kubectl.kubernetes.io/default-container": FREE,
    "kubectl.kubernetes.io/restartedAt": FREE,
    "kubernetes.io/change-cause": FREE,
    "kubernetes.io/description": FREE,
    "kompose.*": FREE,
    **free("commit date description revision rollme timestamp version"),
    # Profiles of the node: only the container runtime's own.
    "container.apparmor.security.beta.kubernetes.io/*": only("runtime/default"),
    "container.seccomp.security.alpha.kubernetes.io/*": _RUNTIME_PROFILE,
    "seccomp.security.alpha.kubernetes.io/pod": _RUNTIME_PROFILE,
    # A mesh that injects nothing.
    "linkerd.io/inject": only("disabled"),
    "sidecar.istio.io/inject": only("false"),
    # How a controller forwards requests for the preview's own host.
    f"{_NGINX}/backend-protocol": only("HTTP", "HTTPS", "GRPC", "GRPCS"),
    f"{_NGINX}/force-ssl-redirect": _BOOLEAN,
    f"{_NGINX}/proxy-body-size": _SIZE,
    f"{_NGINX}/proxy-connect-timeout": _SECONDS,
    f"{_NGINX}/proxy-read-timeout": _SECONDS,
    f"{_NGINX}/proxy-send-timeout": _SECONDS,
    f"{_NGINX}/rewrite-target": matching(r"/([A-Za-z0-9._/-]|\$[0-9])*", "/ a–z A–Z 0–9 . _ - $0–$9"),
    f"{_NGINX}/ssl-redirect": _BOOLEAN,
    # For a cluster that runs the object for good.
    "argocd.argoproj.io/hook*": dropped(),
    "argocd.argoproj.io/sync-*": dropped(),
    "helm.sh/resource-policy": dropped(),
    "kubectl.kubernetes.io/last-applied-configuration": dropped(),
    "kubernetes.io/ingress.class": dropped(),
    "prometheus.io/*": dropped(),
}

_ORDINARY_LABELS: Final[Mapping[str, Rule]] = {"app.kubernetes.io/*": FREE, "helm.sh/chart": FREE}
LABELS: Final[Mapping[str, Rule]] = {
    **_ORDINARY_LABELS,
    "aadpodidbinding": never(),  # a cloud identity
    "chatops.*": never(),
    "io.kompose.network/*": FREE,
    "*": FREE,
}
COLLECTED_LABELS: Final[Mapping[str, Rule]] = {
    **_ORDINARY_LABELS,
    **free("app chart component env environment heritage instance k8s-app name part release role service"),
    **free("team tier version"),
    "io.kompose.service": FREE,
}
"""Labels of ConfigMaps and Secrets: sidecars such as Grafana's collect them from all namespaces by label."""


def _object_name(value: Any, _: ManifestScope) -> Refusal | None:
    """Check the form of a name, because it becomes part of a path of the API."""
    return None if isinstance(value, str) and _NAME.fullmatch(value) else Refusal("a–z 0–9 - .")


def own_secret(value: Any, scope: ManifestScope) -> Refusal | None:
    """Check the name of a Secret: any but the bot's own."""
    if refusal := _object_name(value, scope):
        return refusal
    return Refusal() if value in scope.reserved or value.startswith(PREFIX) else None


def readable_secret(value: Any, scope: ManifestScope) -> Refusal | None:
    """Check the name of a Secret that a pod reads: also one that the bot gave to this deployment."""
    refusal = own_secret(value, scope)
    return None if refusal and isinstance(value, str) and value in scope.secrets else refusal


def pull_secret(value: Any, scope: ManifestScope) -> Refusal | None:
    """Check the name of a Secret for pulling images: also the bot's."""
    return None if value and value == scope.pull_secret else own_secret(value, scope)


def _account_name(value: Any, scope: ManifestScope) -> Refusal | None:
    return Refusal() if value == _DEFAULT_ACCOUNT else _object_name(value, scope)


def _namespace(value: Any, scope: ManifestScope) -> Refusal | None:
    return None if value == scope.namespace else Refusal(scope.namespace)


def _metadata(labels: Mapping[str, Rule] = LABELS, name: Rule = Rule(_object_name)) -> Rule:  # noqa: B008 - a constant
    return Rule(
        fields={
            "name": name,
            "namespace": Rule(_namespace),
            "labels": Rule(fields=labels, setting="allowed_labels"),
            "annotations": Rule(fields=ANNOTATIONS, setting="allowed_annotations"),
        }
    )


METADATA: Final = _metadata()
"""Metadata of objects, of pod templates and of templates of claims."""
CONFIG_METADATA: Final = _metadata(COLLECTED_LABELS)
SECRET_METADATA: Final = _metadata(COLLECTED_LABELS, Rule(own_secret))
ACCOUNT_METADATA: Final = _metadata(name=Rule(_account_name))
