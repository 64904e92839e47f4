"""The patches that scale workloads to zero and back.

What a workload was before is kept in an annotation on it: whoever wakes it needs no records.
"""

from collections.abc import Mapping
from typing import Any

from bot.core import naming
from bot.runners.kubernetes.pure.manifests import CRON_JOB, DEPLOYMENT, STATEFUL_SET, Kind

SCALED = (DEPLOYMENT, STATEFUL_SET, CRON_JOB)
"""What makes pods for as long as it is there."""
ANNOTATION = f"{naming.PREFIX}.awake"
"""Keeps what a workload was before it slept: how many replicas, or that it was not suspended."""


def scale_down(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the patch that puts a workload to sleep; None if it sleeps, or would run nothing anyway."""
    spec = body.get("spec") or {}
    if kind is CRON_JOB:
        return None if spec.get("suspend") else _patch("true", {"suspend": True})
    replicas = int(spec.get("replicas", 1))
    return _patch(str(replicas), {"replicas": 0}) if replicas else None


def scale_up(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the patch that makes a workload what it was before it slept; None if it did not sleep."""
    kept = str((body["metadata"].get("annotations") or {}).get(ANNOTATION, ""))
    if not kept:
        return None
    if kind is CRON_JOB:
        return _patch(None, {"suspend": False})
    return _patch(None, {"replicas": int(kept) if kept.isdecimal() else 1})


def _patch(kept: str | None, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": {"annotations": {ANNOTATION: kept}}, "spec": dict(spec)}
