"""Whether what was applied to a cluster has come up, and if it has not, why: from what the API tells. Pure.

A rollout that “timed out” helps nobody, so the most telling fact among pods, their owners and events is
chosen, what a person can mend before what may pass by itself.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.model.reason import Reason

Object = Mapping[str, Any]

_PULL = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable"}
_SETTLED_PULL = _PULL - {"ErrImagePull"}
"""What is not tried again within moments."""
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "ContainerCannotRun"}
_CRASHED = "CrashLoopBackOff"
_OUT_OF_MEMORY = "OOMKilled"
_ROOT = re.compile(r"(?i)run as root|runAsNonRoot|non-root policy|non-numeric user")
_QUOTA = re.compile(r"(?i)exceeded quota|failed quota|maximum .* usage per")
_STATIC = re.compile(r"^pods? \"[^\"]*\" is forbidden: |^[a-z.]+ \"[^\"]*\" is forbidden: ")
_WRAPPING = re.compile(
    r"^Failed to pull image \"[^\"]*\": |rpc error: code = \w+ desc = |Error response from daemon: "
    r"|failed to (?:start|create) (?:shim task|container(?: \"[^\"]*\")?)(?::|$) ?"
    r"|OCI runtime create failed: |runc create failed: "
)
"""What each part in between has put in front of the cause."""
_SLOW = "the pull takes too long"
_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is known of one namespace at a moment; its parts look alike, so they go by name."""

    workloads: Sequence[Object] = ()
    """Deployments, stateful sets and jobs that have to come up."""
    hooks: Sequence[Object] = ()
    """Jobs beside them that must not fail."""
    replica_sets: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    events: Sequence[Object] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a rollout does not get on; `pod` and `container` say whose output shows it."""

    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)
    pod: str = ""
    container: str = ""
    previous: bool = False
    """Whether the output meant is that of the container before its restart."""


def finished(workload: Object) -> bool:
    """Tell whether a workload is as it should be and nothing of its predecessor is left."""
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if workload.get("kind") == "Job":
        return int(status.get("succeeded") or 0) >= int(spec.get("completions") or 1)
    if int(status.get("observedGeneration") or 0) < int(workload["metadata"].get("generation") or 0):
        return False
    wanted = int(spec.get("replicas", 1))
    ready = "readyReplicas" if workload.get("kind") == "StatefulSet" else "availableReplicas"
    counts = (status.get("updatedReplicas"), status.get("replicas"), status.get(ready))
    return all(int(count or 0) == wanted for count in counts)


def started(scene: Scene) -> bool:
    """Tell whether every container has been started: from then on it is the program that takes its time."""
    states = [status.get("state") or {} for pod in scene.pods for status in _statuses(pod, init=False)]
    return bool(states) and all("waiting" not in state for state in states)


def fatal(scene: Scene) -> Trouble | None:
    """Return what will not pass by waiting, if there is such a thing."""
    return next(_found(scene, (_refused, _broken(_SETTLED_PULL), _job_failed)), None)


def unplaced(scene: Scene) -> Trouble | None:
    """Return that a pod has no node to run on, if that is so; for a while more nodes may be under way."""
    return next(_unscheduled(scene), None)


def explain(scene: Scene, name: str, seconds: float) -> Trouble:
    """Return why time ran out for `name`."""
    found = _found(
        scene, (_refused, _broken(_PULL), _job_failed, _unmounted, _probed, _unscheduled, _pulling)
    )
    trouble = next(found, Trouble(Reason.UNHEALTHY, {"name": name}))
    return Trouble(
        trouble.reason,
        {**trouble.facts, "seconds": f"{seconds:g}"},
        trouble.pod,
        trouble.container,
        trouble.previous,
    )


def _found(scene: Scene, causes: Iterable[Callable[[Scene], Iterator[Trouble]]]) -> Iterator[Trouble]:
    for cause in causes:
        yield from cause(scene)


def _refused(scene: Scene) -> Iterator[Trouble]:
    """Yield why pods could not even be made."""
    messages = [
        str(condition.get("message", ""))
        for owner in (*scene.replica_sets, *scene.workloads)
        for condition in (owner.get("status") or {}).get("conditions") or []
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
    ]
    messages += [_message(event) for event in scene.events if event.get("reason") == "FailedCreate"]
    for message in messages:
        reason = Reason.QUOTA_EXCEEDED if _QUOTA.search(message) else Reason.POD_REFUSED
        yield Trouble(reason, {"message": _STATIC.sub("", message)[:_SHOWN]})


def _broken(pulls: set[str]) -> Callable[[Scene], Iterator[Trouble]]:
    def look(scene: Scene) -> Iterator[Trouble]:
        for pod in scene.pods:
            for status in _statuses(pod):
                waiting = (status.get("state") or {}).get("waiting") or {}
                if trouble := _waiting(scene, pod, status, waiting, pulls):
                    yield trouble

    return look


def _waiting(scene: Scene, pod: Object, status: Object, waiting: Object, pulls: set[str]) -> Trouble | None:
    why, name, message = waiting.get("reason"), str(status["name"]), _message(waiting)
    facts = {"name": name, "message": message}
    if why in pulls:
        told = _pull_message(scene, pod) or message
        return Trouble(
            Reason.IMAGE_PULL_FAILED, {"name": name, "image": _image(pod, status), "message": told}
        )
    if why in _CONFIG and _ROOT.search(message):
        return Trouble(Reason.RUNS_AS_ROOT, {"name": name})
    if why in _CONFIG:
        return Trouble(Reason.CONTAINER_UNSTARTABLE, facts)
    return _crashed(scene, pod, status) if why == _CRASHED else None


def _crashed(scene: Scene, pod: Object, status: Object) -> Trouble:
    last = (status.get("lastState") or {}).get("terminated") or {}
    name, where = str(status["name"]), (str(pod["metadata"]["name"]), str(status["name"]), True)
    if last.get("reason") == _OUT_OF_MEMORY:
        return Trouble(Reason.OUT_OF_MEMORY, {"name": name, "limit": _limit(pod, name)}, *where)
    if last.get("reason") in _CONFIG:
        return Trouble(Reason.CONTAINER_UNSTARTABLE, {"name": name, "message": _message(last)}, *where)
    killed = next(_probe_events(scene, pod, "Liveness"), None)
    if killed is not None:
        return Trouble(Reason.PROBE_FAILING, {"name": name, "message": killed, "seconds": ""}, *where)
    return Trouble(Reason.CRASH_LOOP, {"name": name, "code": str(last.get("exitCode", ""))}, *where)


def _job_failed(scene: Scene) -> Iterator[Trouble]:
    for job in (*scene.workloads, *scene.hooks):
        conditions = (job.get("status") or {}).get("conditions") or []
        if job.get("kind") == "Job" and any(
            each.get("type") == "Failed" and each.get("status") == "True" for each in conditions
        ):
            name = str(job["metadata"]["name"])
            pod = next((each for each in scene.pods if _job_of(each) == name), None)
            where = (
                (str(pod["metadata"]["name"]), str(_statuses(pod)[-1]["name"]))
                if pod and _statuses(pod)
                else ()
            )
            yield Trouble(Reason.HOOK_FAILED, {"name": name}, *where)


def _unmounted(scene: Scene) -> Iterator[Trouble]:
    for event in scene.events:
        if event.get("reason") in {"FailedMount", "FailedAttachVolume"}:
            name = str((event.get("involvedObject") or {}).get("name", ""))
            yield Trouble(Reason.CONTAINER_UNSTARTABLE, {"name": name, "message": _message(event)})


def _probed(scene: Scene) -> Iterator[Trouble]:
    for pod in scene.pods:
        for status in _statuses(pod, init=False):
            message = next(_probe_events(scene, pod, ""), None)
            if not status.get("ready") and message is not None:
                name = str(status["name"])
                yield Trouble(
                    Reason.PROBE_FAILING,
                    {"name": name, "message": message},
                    str(pod["metadata"]["name"]),
                    name,
                )


def _unscheduled(scene: Scene) -> Iterator[Trouble]:
    for pod in scene.pods:
        for condition in (pod.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                yield Trouble(Reason.UNSCHEDULABLE, {"message": _message(condition)})


def _pulling(scene: Scene) -> Iterator[Trouble]:
    """Yield images that are still on their way."""
    for pod in scene.pods:
        about = [each for each in scene.events if _about(each) == pod["metadata"]["name"]]
        pulls = [each for each in about if each.get("reason") in {"Pulling", "Pulled"}]
        for status in _statuses(pod):
            if pulls and pulls[-1].get("reason") == "Pulling" and "waiting" in (status.get("state") or {}):
                facts = {"name": str(status["name"]), "image": _image(pod, status), "message": _SLOW}
                yield Trouble(Reason.IMAGE_PULL_FAILED, facts)


def _about(event: Object) -> Any:
    return (event.get("involvedObject") or {}).get("name")


def _probe_events(scene: Scene, pod: Object, kind: str) -> Iterator[str]:
    for event in reversed(scene.events):
        about = (event.get("involvedObject") or {}).get("name")
        message = _message(event)
        if (
            event.get("reason") == "Unhealthy"
            and about == pod["metadata"]["name"]
            and message.startswith(kind)
        ):
            yield message


def _pull_message(scene: Scene, pod: Object) -> str:
    """Return what the registry said: the container itself soon only says that it waits."""
    said = (
        event
        for event in reversed(scene.events)
        if event.get("reason") == "Failed"
        and (event.get("involvedObject") or {}).get("name") == pod["metadata"]["name"]
    )
    return next((_message(event) for event in said if "pull image" in str(event.get("message"))), "")


def _statuses(pod: Object, *, init: bool = True) -> list[Object]:
    status = pod.get("status") or {}
    return [
        *(status.get("initContainerStatuses") or [] if init else []),
        *(status.get("containerStatuses") or []),
    ]


def _image(pod: Object, status: Object) -> str:
    spec = pod.get("spec") or {}
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return next((str(each["image"]) for each in containers if each["name"] == status["name"]), "")


def _limit(pod: Object, name: str) -> str:
    containers = (pod.get("spec") or {}).get("containers") or []
    found = (each for each in containers if each["name"] == name)
    limits = next(((each.get("resources") or {}).get("limits") or {} for each in found), {})
    return str(limits.get("memory", ""))


def _job_of(pod: Object) -> str:
    return str((pod["metadata"].get("labels") or {}).get("job-name", ""))


def _message(found: Object) -> str:
    return _WRAPPING.sub("", " ".join(str(found.get("message") or "").split()))[:_SHOWN]
