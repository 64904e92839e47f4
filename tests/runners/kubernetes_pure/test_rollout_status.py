"""Rollout status from objects of a real API server, reduced to the fields that are read."""

from typing import Any

import pytest

from bot.model.reason import Reason
from bot.runners.kubernetes.pure import rollout_status
from bot.runners.kubernetes.pure.objects import NamespaceState
from bot.runners.kubernetes.pure.rollout_status import RolloutFailure

IMAGE = "registry.example.com/shop@sha256:0a1b"


def workload(kind: str = "Deployment", /, **status: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": "web", "generation": 2},
        "spec": {"replicas": 2} if kind != "Job" else {},
        "status": {"observedGeneration": 2, **status},
    }


def pod(state: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    status = {
        "name": "web",
        "ready": False,
        "state": state or {"running": {}},
        "lastState": rest.pop("last", {}),
    }
    return {
        "metadata": {"name": "web-1", "labels": rest.pop("labels", {})},
        "spec": {
            "containers": [{"name": "web", "image": IMAGE, "resources": {"limits": {"memory": "64Mi"}}}],
        },
        "status": {"containerStatuses": [status], **rest},
    }


def waiting(why: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": why, "message": message}}


def event(reason: str, message: str, about: str = "web-1", kind: str = "Pod") -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"kind": kind, "name": about}}


def test_a_deployment_is_up_when_all_pods_are_new_and_available() -> None:
    up: dict[str, Any] = {"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}

    assert rollout_status.finished(workload(**up))
    assert not rollout_status.finished(workload(**{**up, "observedGeneration": 1}))
    assert not rollout_status.finished(workload(**{**up, "replicas": 3}))
    assert not rollout_status.finished(workload(**{**up, "availableReplicas": 1}))
    assert not rollout_status.finished({**workload(), "status": {}})


def test_conditions_for_stateful_sets_and_jobs_to_be_up() -> None:
    assert rollout_status.finished(workload("StatefulSet", updatedReplicas=2, replicas=2, readyReplicas=2))
    assert not rollout_status.finished(workload("StatefulSet", updatedReplicas=2, replicas=2))
    assert rollout_status.finished(workload("Job", succeeded=1))
    assert not rollout_status.finished(workload("Job"))


def test_the_health_timeout_starts_when_no_container_waits() -> None:
    assert not rollout_status.started(NamespaceState())
    assert not rollout_status.started(NamespaceState(pods=[pod(waiting("ContainerCreating"))]))
    assert rollout_status.started(NamespaceState(pods=[pod()]))
    assert not rollout_status.started(
        NamespaceState(pods=[pod(labels={"job-name": "web"})], hooks=[workload("Job")])
    )


def fatal(
    *pods: dict[str, Any], events: tuple[dict[str, Any], ...] = (), **rest: Any
) -> RolloutFailure | None:
    return rollout_status.fatal(NamespaceState(pods=pods, events=events, **rest))


def test_temporary_states_are_not_fatal() -> None:
    assert fatal(pod()) is None
    assert fatal(pod(waiting("ErrImagePull", "timeout"))) is None
    assert fatal(pod(waiting("ContainerCreating"))) is None
    assert fatal(workloads=[workload("Job", conditions=[{"type": "Complete", "status": "True"}])]) is None
    assert fatal(pod(waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'))) is None
    assert fatal(pod(waiting("ImagePullBackOff", "net/http: request canceled (Client.Timeout)"))) is None
    assert fatal(pod(waiting("CreateContainerError", "context deadline exceeded"))) is None


def test_uncertain_problems_are_reported_only_at_the_timeout() -> None:
    said = "failed to sync secret cache: timed out waiting for the condition"
    late = pod(waiting("CreateContainerConfigError", said))
    missing = pod(waiting("CreateContainerConfigError", 'secret "gone" not found'))
    facts = {"name": "web", "message": said}

    assert fatal(late) is None
    assert rollout_status.transient(NamespaceState(pods=[late])) == RolloutFailure(
        Reason.CONTAINER_UNSTARTABLE, facts, transient=True
    )
    assert rollout_status.transient(NamespaceState(pods=[missing])) is None
    assert explained(late).facts == {**facts, "seconds": "60"}
    assert explained(late, missing).facts["message"] == 'secret "gone" not found'


def test_a_failed_pull_is_reported_with_the_registrys_message() -> None:
    said = f'Failed to pull image "{IMAGE}": rpc error: code = Unknown desc = unauthorized'
    backed_off = pod(waiting("ImagePullBackOff", "Back-off pulling image"))

    assert fatal(
        backed_off, events=(event("Failed", said), event("Failed", "Error: ImagePullBackOff"))
    ) == RolloutFailure(Reason.IMAGE_PULL_FAILED, {"name": "web", "image": IMAGE, "message": "unauthorized"})
    other = event("Failed", said, about="other-1")
    another = event("Failed", 'Failed to pull image "registry.example.com/db": no such host')
    with_cause = f'Back-off pulling image "{IMAGE}": ErrImagePull: rpc error: code = NotFound desc = no such'
    found = fatal(pod(waiting("ImagePullBackOff", with_cause)), events=(other, another))
    assert found is not None
    assert found.facts["message"] == "no such"


def test_a_crash_is_reported_with_exit_code_and_container() -> None:
    crashed = pod(waiting("CrashLoopBackOff"), last={"terminated": {"exitCode": 7, "reason": "Error"}})

    assert fatal(crashed) == RolloutFailure(
        Reason.CRASH_LOOP, {"name": "web", "code": "7"}, "web-1", "web", previous=True
    )


def test_a_crash_may_have_a_specific_cause() -> None:
    hungry = pod(waiting("CrashLoopBackOff"), last={"terminated": {"exitCode": 137, "reason": "OOMKilled"}})
    absent = {
        "terminated": {"exitCode": 127, "reason": "ContainerCannotRun", "message": 'exec: "x": not found'}
    }
    killed = pod(waiting("CrashLoopBackOff"), last={"terminated": {"exitCode": 137, "reason": "Error"}})
    probe = event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500")

    found = [
        fatal(hungry),
        fatal(pod(waiting("CrashLoopBackOff"), last=absent)),
        fatal(killed, events=(probe, event("Unhealthy", "Readiness probe failed: x"))),
    ]

    assert [(each.reason, each.facts) for each in found if each] == [
        (Reason.OUT_OF_MEMORY, {"name": "web", "limit": "64Mi"}),
        (Reason.CONTAINER_UNSTARTABLE, {"name": "web", "message": 'exec: "x": not found'}),
        (Reason.PROBE_FAILING, {"name": "web", "message": probe["message"], "seconds": ""}),
    ]


@pytest.mark.parametrize(
    "state",
    [
        {
            "state": waiting(
                "RunContainerError", 'failed to start container "0a1b": Error response from daemon: OCI'
            )
        },
        {
            "state": waiting("CrashLoopBackOff"),
            "last": {"terminated": {"reason": "ContainerCannotRun", "message": "OCI"}},
        },
        {
            "state": waiting("CrashLoopBackOff"),
            "last": {
                "terminated": {
                    "reason": "StartError",
                    "message": "failed to create containerd task: failed to create shim task: OCI",
                }
            },
        },
    ],
)
def test_a_container_that_cannot_start_is_reported_alike_at_any_moment(state: dict[str, Any]) -> None:
    found = fatal(pod(**state))

    assert found == RolloutFailure(Reason.CONTAINER_UNSTARTABLE, {"name": "web", "message": "OCI"})


def test_the_unknown_limit_of_an_init_container_is_omitted() -> None:
    status = {
        "name": "setup",
        "state": waiting("CrashLoopBackOff"),
        "lastState": {"terminated": {"reason": "OOMKilled"}},
    }
    found = fatal({**pod(), "status": {"initContainerStatuses": [status]}})

    assert found is not None
    assert found.facts == {"name": "setup", "limit": ""}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("container has runAsNonRoot and image will run as root", Reason.RUNS_AS_ROOT),
        ("container's runAsUser breaks non-root policy (pod: …)", Reason.RUNS_AS_ROOT),
        ('secret "gone" not found', Reason.CONTAINER_UNSTARTABLE),
    ],
)
def test_a_container_that_cannot_be_created(message: str, reason: Reason) -> None:
    found = fatal(pod(waiting("CreateContainerConfigError", message)))

    assert found is not None
    assert found.reason is reason


@pytest.mark.parametrize(
    ("message", "reason", "expected"),
    [
        (
            'pods "web-1" is forbidden: exceeded quota: chatops, requested: pods=1',
            Reason.QUOTA_EXCEEDED,
            "exceeded quota: chatops, requested: pods=1",
        ),
        (
            "maximum memory usage per Container is 2Gi",
            Reason.QUOTA_EXCEEDED,
            "maximum memory usage per Container is 2Gi",
        ),
        (
            'pods "web-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
            Reason.POD_REFUSED,
            'violates PodSecurity "restricted:latest": runAsNonRoot != true',
        ),
    ],
)
def test_pods_that_cannot_be_created(message: str, reason: Reason, expected: str) -> None:
    failing = [{"type": "ReplicaFailure", "status": "True", "message": message}, {"type": "Other"}]
    owner = {"metadata": {"name": "web-5d"}, "status": {"conditions": failing}}

    assert fatal(replica_sets=[owner]) == RolloutFailure(reason, {"message": expected})
    assert fatal(events=(event("FailedCreate", message, "db", "StatefulSet"),)) == RolloutFailure(
        reason, {"message": expected}
    )


def test_a_refusal_counts_until_the_pods_exist() -> None:
    message = 'pods "web-1" is forbidden: exceeded quota: chatops'
    of_set, of_job = (event("FailedCreate", message, "web", kind) for kind in ("StatefulSet", "Job"))

    assert fatal(workloads=[workload("StatefulSet", replicas=1)], events=(of_set,)) is not None
    assert fatal(workloads=[workload("StatefulSet", replicas=2)], events=(of_set,)) is None
    assert fatal(hooks=[workload("Job")], events=(of_job,)) is not None
    assert fatal(hooks=[workload("Job", active=1)], events=(of_job,)) is None
    # The condition of a replica set is its current state.
    assert fatal(events=(event("FailedCreate", message, "web-5d", "ReplicaSet"),)) is None


@pytest.mark.parametrize(
    "answer",
    [
        "The POST operation against Pod could not be completed at this time, please try again.",
        "Too many requests, please try again later.",
        'Operation cannot be fulfilled on resourcequotas "chatops": please apply your changes and try again',
        "the server is currently unable to handle the request",
        'Internal error occurred: failed calling webhook "policy.example": connection refused',
        "etcdserver: leader changed",
    ],
)
def test_an_answer_for_the_moment_is_an_uncertain_problem(answer: str) -> None:
    message = f"create Pod web-0 in StatefulSet web failed error: {answer}"
    refused = event("FailedCreate", message, "web", "StatefulSet")
    state = NamespaceState(workloads=[workload("StatefulSet")], events=[refused])

    assert rollout_status.fatal(state) is None
    assert rollout_status.transient(state) == RolloutFailure(
        Reason.POD_REFUSED, {"message": message}, transient=True
    )


@pytest.mark.parametrize(
    "words",
    [
        "status unknown for quota: chatops, resources: pods",
        'No API token found for service account "default", retry after the token is automatically created',
    ],
)
def test_an_incomplete_namespace_is_an_uncertain_problem(words: str) -> None:
    message = f'pods "web-1" is forbidden: {words}'
    failing = [{"type": "ReplicaFailure", "status": "True", "message": message}]
    owner = {"metadata": {"name": "web-5d"}, "status": {"conditions": failing}}
    facts = {"message": words}

    assert fatal(replica_sets=[owner]) is None
    assert rollout_status.transient(NamespaceState(replica_sets=[owner])) == RolloutFailure(
        Reason.POD_REFUSED, facts, transient=True
    )


def test_a_failed_job_of_the_deployment() -> None:
    failed = workload("Job", conditions=[{"type": "Failed", "status": "True"}])
    mine, other = pod(labels={"job-name": "web"}), pod(labels={"job-name": "x"})
    unborn = {"metadata": {"name": "web-0", "labels": {"job-name": "web"}}}

    assert fatal(other, mine, workloads=[failed]) == RolloutFailure(
        Reason.HOOK_FAILED, {"name": "web"}, "web-1", "web"
    )
    assert fatal(workloads=[failed]) == RolloutFailure(Reason.HOOK_FAILED, {"name": "web"})
    assert fatal(unborn, workloads=[failed]) == RolloutFailure(Reason.HOOK_FAILED, {"name": "web"})


def explained(*pods: dict[str, Any], events: tuple[dict[str, Any], ...] = ()) -> RolloutFailure:
    return rollout_status.explain(NamespaceState(pods=pods, events=events), "app", 60)


def test_at_the_timeout_the_most_specific_problem_is_reported() -> None:
    unready = event("Unhealthy", "Readiness probe failed: dial tcp: connection refused")
    unmounted = event("FailedMount", 'MountVolume.SetUp failed for volume "v" : secret "gone" not found')
    unplaced = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    placed = {"type": "PodScheduled", "status": "True"}

    assert explained(pod(), events=(unready,)) == RolloutFailure(
        Reason.PROBE_FAILING, {"name": "web", "message": unready["message"], "seconds": "60"}, "web-1", "web"
    )
    assert explained(pod(), events=(unmounted,)).reason is Reason.UNHEALTHY
    assert explained(pod(conditions=[placed, unplaced])).reason is Reason.UNSCHEDULABLE
    assert explained(pod(waiting("ErrImagePull", "no route"))).reason is Reason.IMAGE_PULL_FAILED


def test_the_newest_volume_event_with_a_cause_is_reported() -> None:
    creating = pod(waiting("ContainerCreating"))
    late = event("FailedMount", 'MountVolume.SetUp failed for volume "v" : failed to sync secret cache: x')
    missing, other = (
        event("FailedMount", f'MountVolume.SetUp failed for volume "v" : secret "{name}" not found')
        for name in ("gone", "old")
    )
    timed_out = event("FailedMount", "Unable to attach or mount volumes: timed out waiting for the condition")

    found = explained(creating, events=(late, other, missing, timed_out))

    assert (found.reason, found.facts["name"]) == (Reason.CONTAINER_UNSTARTABLE, "web-1")
    assert 'secret "gone" not found' in found.facts["message"]
    assert explained(creating, events=(late, timed_out)).facts["message"] == timed_out["message"]


def test_unscheduled_pods_and_slow_pulls_are_reported_at_the_timeout() -> None:
    unplaced = pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}])
    creating = pod(waiting("ContainerCreating"))
    pulling, pulled = event("Pulling", 'Pulling image "x"'), event("Pulled", "done")

    assert rollout_status.transient(NamespaceState(pods=[unplaced])) == RolloutFailure(
        Reason.UNSCHEDULABLE, {"message": "0/3 nodes"}, transient=True
    )
    assert rollout_status.transient(NamespaceState(pods=[creating])) is None
    facts = {"name": "web", "image": IMAGE, "message": rollout_status._SLOW, "seconds": "60"}
    assert explained(creating, events=(pulling,)) == RolloutFailure(Reason.IMAGE_PULL_FAILED, facts)
    assert explained(pod(), events=(pulling,)).reason is Reason.UNHEALTHY
    assert explained(creating, events=(pulling, pulled)).reason is Reason.UNHEALTHY


def test_without_another_problem_the_health_check_is_reported() -> None:
    ready = pod()
    ready["status"]["containerStatuses"][0]["ready"] = True
    elsewhere = event("Unhealthy", "Readiness probe failed: x", about="other-1")

    assert explained(ready, events=(event("Unhealthy", "Readiness probe failed: x"),)) == RolloutFailure(
        Reason.UNHEALTHY, {"name": "app", "seconds": "60"}
    )
    assert explained(pod(), events=(elsewhere,)).reason is Reason.UNHEALTHY
    assert explained(pod({"running": {}}, conditions=[])).facts == {"name": "app", "seconds": "60"}
