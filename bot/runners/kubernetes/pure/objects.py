"""All that is known of one namespace at a moment, and how its objects are read. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceState:
    """The objects of a rollout; its parts look alike, so they go by name."""

    workloads: Sequence[Object] = ()
    """Deployments, stateful sets and jobs that have to come up."""
    hooks: Sequence[Object] = ()
    """Jobs beside them that must not fail."""
    replica_sets: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    events: Sequence[Object] = ()
    """Of these objects, the newest last."""


def events_about(events: Iterable[Object], objects: Iterable[Object]) -> list[Object]:
    """Return what is said of these objects, the newest last.

    What went before may have had the same names, and is still spoken of for an hour.
    """
    known = {each["metadata"]["uid"] for each in objects}
    found = (event for event in events if (event.get("involvedObject") or {}).get("uid") in known)
    return sorted(found, key=_time)


def former(replica_sets: Iterable[Object], deployments: Iterable[Object]) -> set[str]:
    """Return the uids of replica sets whose deployment has a later one, or is yet to make it.

    Their pods run on until those of the later one are up, however badly they do.
    """
    unread = {str(each["metadata"]["uid"]) for each in deployments if not is_read(each)}
    owned = [(owner(each), _revision(each), str(each["metadata"]["uid"])) for each in replica_sets]
    newest: dict[str, int] = {}
    for whose, revision, _ in owned:
        newest[whose] = max(revision, newest.get(whose, 0))
    return {uid for whose, revision, uid in owned if whose and (whose in unread or revision < newest[whose])}


def owner(found: Object) -> str:
    """Return the uid of the controller that made an object, if one did."""
    references = found["metadata"].get("ownerReferences") or []
    return next((str(each["uid"]) for each in references if each.get("controller")), "")


def is_read(workload: Object) -> bool:
    """Tell whether a controller has seen a workload as it is wanted now."""
    observed = (workload.get("status") or {}).get("observedGeneration")
    return int(observed or 0) >= int(workload["metadata"].get("generation") or 0)


def about(event: Object) -> tuple[str, str]:
    """Return kind and name of what an event is about."""
    found = event.get("involvedObject") or {}
    return str(found.get("kind", "")), str(found.get("name", ""))


def is_about(event: Object, pod: Object) -> bool:
    """Tell whether an event is about a pod."""
    return about(event) == ("Pod", name(pod))


def name(found: Object) -> str:
    """Return the name of an object."""
    return str(found["metadata"]["name"])


def statuses(pod: Object, *, init: bool = True) -> list[Object]:
    """Return the states of a pod's containers, those that go before them first."""
    status = pod.get("status") or {}
    return [
        *(status.get("initContainerStatuses") or [] if init else []),
        *(status.get("containerStatuses") or []),
    ]


def waits(pod: Object) -> bool:
    """Tell whether a container of a pod waits."""
    return any("waiting" in (status.get("state") or {}) for status in statuses(pod))


def image(pod: Object, status: Object) -> str:
    """Return the image that a container was to have."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return next((str(each["image"]) for each in containers if each["name"] == status["name"]), "")


def limit(pod: Object, container: str) -> str:
    """Return the memory that a container may use."""
    containers = (pod.get("spec") or {}).get("containers") or []
    found = (each for each in containers if each["name"] == container)
    limits = next(((each.get("resources") or {}).get("limits") or {} for each in found), {})
    return str(limits.get("memory", ""))


def job_of(pod: Object) -> str:
    """Return the name of the job that a pod belongs to."""
    return str((pod["metadata"].get("labels") or {}).get("job-name", ""))


def is_over(job: Object) -> bool:
    """Tell whether a job has come to its end, well or not."""
    return _has_condition(job, "Failed") or _has_condition(job, "Complete")


def has_failed(job: Object) -> bool:
    """Tell whether a job has come to a bad end."""
    return job.get("kind") == "Job" and _has_condition(job, "Failed")


def has_its_pods(owner: Object) -> bool:
    """Tell whether a stateful set or a job has made the pods that it needs."""
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
    """Return when something was said last; the order of equal seconds stays."""
    series = event.get("series") or {}
    said = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(said or "")
