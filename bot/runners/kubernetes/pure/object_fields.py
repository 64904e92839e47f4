"""The kinds of objects that manifests may use, and the fields of each. Pure.

A field that is not listed is refused by its name. To allow one, add a row: `free` for a field that concerns
nothing but the preview, otherwise a rule with a check.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bot.runners.kubernetes.pure.field_rules import (
    ManifestScope,
    Refusal,
    Rule,
    each,
    free,
    group,
    matching,
    off,
    only,
)
from bot.runners.kubernetes.pure.manifests import (
    CLAIM,
    CONFIG_MAP,
    CRON_JOB,
    DEPLOYMENT,
    INGRESS,
    JOB,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    ObjectKind,
)
from bot.runners.kubernetes.pure.metadata_fields import (
    ACCOUNT_METADATA,
    CONFIG_METADATA,
    METADATA,
    SECRET_METADATA,
    own_secret,
)
from bot.runners.kubernetes.pure.pod_fields import CLAIM as CLAIM_SPEC
from bot.runners.kubernetes.pure.pod_fields import POD_TEMPLATE, PULL_SECRETS

SKIPPED: Final = (("autoscaling", "HorizontalPodAutoscaler"), ("policy", "PodDisruptionBudget"))
"""API groups and kinds that are left out: a preview has no load, and must not delay the work on a node."""

_SECRET_TYPES: Final = (
    "Opaque",
    *(f"kubernetes.io/{name}" for name in ("basic-auth", "dockercfg", "dockerconfigjson", "ssh-auth", "tls")),
)


def _host(value: Any, scope: ManifestScope) -> Refusal | None:
    return None if value == scope.host else Refusal(scope.host)


def _hosts(value: Any, scope: ManifestScope) -> Refusal | None:
    return None if value == [scope.host] else Refusal(scope.host)


def _class(value: Any, scope: ManifestScope) -> Refusal | None:
    return None if value == scope.ingress_class else Refusal(scope.ingress_class)


def _of_operator(scope: ManifestScope) -> str | None:
    return scope.ingress_class or None


def _pull_secrets(scope: ManifestScope) -> list[dict[str, str]] | None:
    return [{"name": scope.pull_secret}] if scope.pull_secret else None


def _nothing(value: Any, _: ManifestScope) -> Refusal | None:
    return None if _holds_nothing(value) else Refusal()


def _holds_nothing(value: Any) -> bool:
    """Return whether a status is one that generators of manifests write: without any value."""
    return all(map(_holds_nothing, value.values())) if isinstance(value, dict) else not value


def _kind(metadata: Rule = METADATA, **fields: Rule) -> Mapping[str, Rule]:
    return {**free("apiVersion kind"), "metadata": metadata, "status": Rule(_nothing), **fields}


_CLAIM_TEMPLATE: Final = {
    "apiVersion": only("v1"),
    "kind": only("PersistentVolumeClaim"),
    "metadata": METADATA,
    "spec": CLAIM_SPEC,
    "status": Rule(_nothing),
}
_DEPLOYMENT: Final = {
    **free("replicas selector minReadySeconds paused progressDeadlineSeconds revisionHistoryLimit strategy"),
    "template": POD_TEMPLATE,
}
_STATEFUL_SET: Final = {
    **free("replicas selector minReadySeconds ordinals podManagementPolicy revisionHistoryLimit"),
    **free("persistentVolumeClaimRetentionPolicy serviceName updateStrategy"),
    "template": POD_TEMPLATE,
    "volumeClaimTemplates": each(_CLAIM_TEMPLATE),
}
_JOB: Final = {
    **free("activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions"),
    **free("maxFailedIndexes parallelism podFailurePolicy podReplacementPolicy successPolicy suspend"),
    **free("ttlSecondsAfterFinished"),
    "template": POD_TEMPLATE,
}
_CRON_JOB: Final = {
    **free("schedule timeZone concurrencyPolicy failedJobsHistoryLimit startingDeadlineSeconds"),
    **free("successfulJobsHistoryLimit suspend"),
    "jobTemplate": group({"metadata": METADATA, "spec": group(_JOB)}),
}
_SERVICE: Final = {
    **free("selector sessionAffinity sessionAffinityConfig publishNotReadyAddresses"),
    **free("internalTrafficPolicy ipFamilies ipFamilyPolicy trafficDistribution"),
    "clusterIP": only("None"),
    "clusterIPs": only(["None"]),
    "ports": each(free("name port targetPort protocol appProtocol")),
    "type": only("ClusterIP"),
}
_PATH: Final = {
    "path": matching(r"/[A-Za-z0-9._~/-]*", "/ a–z A–Z 0–9 . _ ~ -"),
    "pathType": only("Prefix", "Exact", "ImplementationSpecific"),
    "backend": group({"service": group({**free("name"), "port": group(free("name number"))})}),
}
_HOSTED: Final = {
    "host": Rule(_host, fill=lambda scope: scope.host),
    "http": group({"paths": each(_PATH)}),
}
_INGRESS: Final = {
    "ingressClassName": Rule(_class, fill=_of_operator, instead=_of_operator),
    "rules": each(_HOSTED),
    "tls": each({"secretName": Rule(own_secret), "hosts": Rule(_hosts, fill=lambda scope: [scope.host])}),
}

KINDS: Final[Mapping[ObjectKind, Mapping[str, Rule]]] = {
    CONFIG_MAP: _kind(CONFIG_METADATA, **free("data binaryData immutable")),
    SECRET: _kind(SECRET_METADATA, **free("data stringData immutable"), type=only(*_SECRET_TYPES)),
    SERVICE_ACCOUNT: _kind(
        ACCOUNT_METADATA,
        imagePullSecrets=replace(PULL_SECRETS, fill=_pull_secrets),
        automountServiceAccountToken=off(always=True, instead=True),
    ),
    CLAIM: _kind(spec=CLAIM_SPEC),
    SERVICE: _kind(spec=group(_SERVICE)),
    DEPLOYMENT: _kind(spec=group(_DEPLOYMENT)),
    STATEFUL_SET: _kind(spec=group(_STATEFUL_SET)),
    JOB: _kind(spec=group(_JOB)),
    CRON_JOB: _kind(spec=group(_CRON_JOB)),
    INGRESS: _kind(spec=group(_INGRESS)),
}
