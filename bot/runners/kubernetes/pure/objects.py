"""The state of one namespace at a moment, and functions that read its objects. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceState:
    """The objects of a rollout; keyword-only, because the fields have the same type."""

    workloads: Sequence[Object] = ()
    """Deployments, StatefulSets and Jobs that must come up."""
    hooks: Sequence[Object] = ()
    """Jobs of hooks, which must not fail."""
    replica_sets: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    events: Sequence[Object] = ()
    """Events about these objects, oldest first."""


def events_about(events: Iterable[Object], objects: Iterable[Object]) -> list[Object]:
    """Return the events about these objects, oldest first.

    They are matched by uid: earlier objects may have had the same names, and their events remain for an hour.
    """
    known = {each["metadata"]["uid"] for each in objects}
    found = (event for event in events if (event.get("involvedObject") or {}).get("uid") in known)
    return sorted(found, key=_time)


def former(replica_sets: Iterable[Object], deployments: Iterable[Object]) -> set[str]:
    """Return the uids of ReplicaSets that their Deployment has replaced or is about to replace.

    Their pods run until those of the newest ReplicaSet are up, so their state says nothing about the rollout.
    """
    unread = {str(each["metadata"]["uid"]) for each in deployments if not is_observed(each)}
    owned = [(owner(each), _revision(each), str(each["metadata"]["uid"])) for each in replica_sets]
    newest: dict[str, int] = {}
    for whose, revision, _ in owned:
        newest[whose] = max(revision, newest.get(whose, 0))
    return {uid for whose, revision, uid in owned if whose and (whose in unread or revision < newest[whose])}


def owner(found: Object) -> str:
    """Return the uid of the controller that owns an object, or an empty text."""
    references = found["metadata"].get("ownerReferences") or []
    return next((str(each["uid"]) for each in references if each.get("controller")), "")


def is_observed(workload: Object) -> bool:
    """Return whether the controller has observed the current generation of a workload."""
    observed = (workload.get("status") or {}).get("observedGeneration")
    return int(observed or 0) >= int(workload["metadata"].get("generation") or 0)


def about(event: Object) -> tuple[str, str]:
    """Return the kind and name of an event's object."""
    found = event.get("involvedObject") or {}
    return str(found.get("kind", "")), str(found.get("name", ""))


def is_about(event: Object, pod: Object) -> bool:
    """Return whether an event is about a pod."""
    return about(event) == ("Pod", name(pod))


def name(found: Object) -> str:
    """Return the name of an object."""
    return str(found["metadata"]["name"])


def statuses(pod: Object, *, init: bool = True) -> list[Object]:
    """Return the statuses of a pod's containers, init containers first."""
    status = pod.get("status") or {}
    return [
        *(status.get("initContainerStatuses") or [] if init else []),
        *(status.get("containerStatuses") or []),
    ]


def waits(pod: Object) -> bool:
    """Return whether a container of a pod is waiting."""
    return any("waiting" in (status.get("state") or {}) for status in statuses(pod))


def image(pod: Object, status: Object) -> str:
    """Return the image in the spec of a container."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return next((str(each["image"]) for each in containers if each["name"] == status["name"]), "")


def limit(pod: Object, container: str) -> str:
    """Return a container's memory limit."""
    containers = (pod.get("spec") or {}).get("containers") or []
    found = (each for each in containers if each["name"] == container)
    limits = next(((each.get("resources") or {}).get("limits") or {} for each in found), {})
    return str(limits.get("memory", ""))


def job_of(pod: Object) -> str:
    """Return the name of the Job that a pod belongs to, or an empty text."""
    return str((pod["metadata"].get("labels") or {}).get("job-name", ""))


def is_over(job: Object) -> bool:
    """Return whether a Job has completed or failed."""
    return _has_condition(job, "Failed") or _has_condition(job, "Complete")


def has_failed(job: Object) -> bool:
    """Return whether a workload is a Job that has failed."""
    return job.get("kind") == "Job" and _has_condition(job, "Failed")


def has_its_pods(owner: Object) -> bool:
    """Return whether a StatefulSet or a Job has created its pods."""
    spec, status = owner.get("spec") or {}, owner.get("status") or {}
    if owner.get("kind") == "Job":
        return any(status.get(count) for count in ("active", "succeeded", "failed"))
    return int(status.get("replicas") or 0) >= int(spec.get("replicas", 1))


def _revision(replica_set: Object) -> int:
    notes = replica_set["metadata"].get("annotations") or {}
    return int(notes.get("deployment.kubernetes.io/revision") or 0)


def _has_condition(found: Object, kind: str) -> bool:
    conditions = (found.get("status") or {}).get("conditions") or []
    return any(each.get("type") == kind and each.get("status") == "True" for each in conditions)


def _time(event: Object) -> str:
    """Return the last time of an event; sorting keeps the order of equal times."""
    series = event.get("series") or {}
    latest = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(latest or "")
