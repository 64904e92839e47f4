from typing import Any

import pytest

from bot.runners.kubernetes.pure import scaling
from bot.runners.kubernetes.pure.manifests import CRON_JOB, DEPLOYMENT, STATEFUL_SET, ObjectKind


def workload(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web", "resourceVersion": "5"}, "spec": spec}


@pytest.mark.parametrize(
    ("kind", "before", "asleep", "after"),
    [
        (DEPLOYMENT, workload(replicas=3), {"replicas": 0}, {"replicas": 3}),
        (STATEFUL_SET, workload(), {"replicas": 0}, {"replicas": 1}),
        (CRON_JOB, workload(), {"suspend": True}, {"suspend": False}),
    ],
)
def test_scaling_up_restores_the_former_replicas(
    kind: ObjectKind, before: dict[str, Any], asleep: dict[str, Any], after: dict[str, Any]
) -> None:
    down = scaling.scale_down(kind, before)
    assert down is not None
    assert down["spec"] == asleep
    assert down["metadata"]["resourceVersion"] == "5", "only as it was read"
    up = scaling.scale_up(kind, {**before, **down})
    assert up == {"metadata": {"annotations": {scaling.ANNOTATION: None}}, "spec": after}
    assert scaling.scale_up(kind, before) is None


@pytest.mark.parametrize(("kind", "spec"), [(DEPLOYMENT, {"replicas": 0}), (CRON_JOB, {"suspend": True})])
def test_workloads_without_replicas_are_not_changed(kind: ObjectKind, spec: dict[str, Any]) -> None:
    assert scaling.scale_down(kind, workload(**spec)) is None


def test_an_invalid_annotation_still_allows_scaling_up() -> None:
    spoiled = {"metadata": {"annotations": {scaling.ANNOTATION: "many"}}}
    assert (scaling.scale_up(DEPLOYMENT, spoiled) or {})["spec"] == {"replicas": 1}
