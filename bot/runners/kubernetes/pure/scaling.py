"""The patches that scale workloads to zero and back.

An annotation on each workload stores its former scale, so waking needs no records in the store.
"""

from collections.abc import Mapping
from typing import Any

from bot.core import naming
from bot.runners.kubernetes.pure.manifests import CRON_JOB, DEPLOYMENT, STATEFUL_SET, ObjectKind

SCALED = (DEPLOYMENT, STATEFUL_SET, CRON_JOB)
"""Kinds that create pods for as long as they exist."""
ANNOTATION = f"{naming.PREFIX}.awake"
"""Stores the scale before sleeping: the number of replicas, or that a CronJob was not suspended."""


def scale_down(kind: ObjectKind, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the patch that scales a workload to zero; None if it is at zero already.

    The server refuses it with 409 if the workload has changed since it was read.
    """
    spec, read = body.get("spec") or {}, {"resourceVersion": body["metadata"]["resourceVersion"]}
    if kind is CRON_JOB:
        return None if spec.get("suspend") else _patch("true", {"suspend": True}, **read)
    replicas = int(spec.get("replicas", 1))
    return _patch(str(replicas), {"replicas": 0}, **read) if replicas else None


def scale_up(kind: ObjectKind, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the patch that restores a workload's scale; None if it does not sleep."""
    kept = str((body["metadata"].get("annotations") or {}).get(ANNOTATION, ""))
    if not kept:
        return None
    if kind is CRON_JOB:
        return _patch(None, {"suspend": False})
    return _patch(None, {"replicas": int(kept) if kept.isdecimal() else 1})


def _patch(kept: str | None, spec: Mapping[str, Any], **metadata: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {ANNOTATION: kept}, **metadata}, "spec": dict(spec)}
