"""Health of workloads from objects of a real API server, reduced to the fields that are read."""

from typing import Any

from bot.model.health import Part
from bot.model.reason import Reason
from bot.runners.kubernetes.pure import workload_health

ID = "pr-12-shop/Deployment/web"


def workload(ready: int, wanted: int = 1) -> dict[str, Any]:
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "pr-12-shop"},
        "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": "web"}}},
        "status": {"readyReplicas": ready},
    }


def pod(state: dict[str, Any], *, last: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    status = {"name": "main", "ready": False, "restartCount": 3, "state": state, "lastState": last or {}}
    metadata = {"name": "web-1", "labels": {"app": "web"}, **rest.pop("metadata", {})}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "main", "image": "shop"}]},
        "status": {"containerStatuses": [status], **rest},
    }


def ended(code: int = 1) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": "Error"}}


def down(*pods: dict[str, Any]) -> Part:
    found = workload_health.part(workload(0), pods)
    assert (found.id, found.name, found.up) == (ID, "web", False)
    return found


def test_a_workload_with_all_its_pods_is_up() -> None:
    assert workload_health.part(workload(2, 2), ()) == Part(ID, "web", up=True)
    assert workload_health.part(workload(0, 0), ()).up
    assert not workload_health.is_up(workload(1, 2))


def test_a_crash_is_named_in_each_state_of_the_loop() -> None:
    back_off = {"waiting": {"reason": "CrashLoopBackOff"}}
    for state, last in ((back_off, ended()), (ended(), None), ({"running": {}}, ended())):
        found = down(pod(state, last=last))
        assert (found.reason, found.facts) == (Reason.CRASH_LOOP, {"name": "main", "code": "1"})
        assert found.restarts == 3
        assert found.output_of == ("pr-12-shop", "web-1", "main", "previous")


def test_a_pod_that_only_is_not_ready_is_called_unhealthy() -> None:
    found = down(pod({"running": {}}))
    assert (found.reason, found.facts) == (Reason.NO_LONGER_HEALTHY, {"name": "web"})
    assert found.output_of == ("pr-12-shop", "web-1", "main", "")


def test_a_pod_whose_containers_are_ready_is_not_blamed() -> None:
    found = pod({"running": {}}, last=ended())
    found["status"]["containerStatuses"][0]["ready"] = True
    assert down(found).output_of == ("pr-12-shop", "web-1", "", "")


def test_pods_that_are_over_or_of_others_do_not_count() -> None:
    evicted = pod(ended(), phase="Failed")
    leaving = pod(ended(), metadata={"deletionTimestamp": "2026-03-01T12:00:00Z"})
    other = pod(ended(), metadata={"labels": {"app": "db"}})
    found = down(evicted, leaving, other)
    assert (found.reason, found.restarts) == (Reason.CONTAINER_STOPPED, 0)
    assert found.output_of == ("pr-12-shop", "", "", "")


def test_the_output_of_a_workload_that_is_up_can_be_read_too() -> None:
    running, other = pod({"running": {}}), pod({"running": {}}, metadata={"labels": {"app": "db"}})

    found = workload_health.part_with_output(workload(1), iter([other, running]))

    assert found.output_of == ("pr-12-shop", "web-1", "main", "")
    assert workload_health.part_with_output(workload(1), [other]).output_of == ()
    crashed = workload_health.part_with_output(workload(0), [pod(ended())])
    assert crashed.output_of == ("pr-12-shop", "web-1", "main", "previous")
    assert not any(workload_health.part_with_output(workload(0), ()).output_of[1:])
