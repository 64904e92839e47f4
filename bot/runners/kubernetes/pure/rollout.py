"""Whether what was applied to a cluster has come up, and if it has not, why: from what the API tells. Pure.

A rollout that “timed out” helps nobody, so the most telling fact among pods, their owners and events is
chosen, what a person can mend before what may pass by itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bot.model.reason import Reason
from bot.runners.kubernetes.pure import event_messages as words
from bot.runners.kubernetes.pure import namespace_state as seen
from bot.runners.kubernetes.pure.namespace_state import NamespaceState, Object

_PULL = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable"}
_TRIED_AGAIN = "ErrImagePull"
"""What is tried again within moments."""
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_NEVER_RAN = {"ContainerCannotRun", "StartError"}
"""How engines call the end of a container that did not start."""
_CRASHED = "CrashLoopBackOff"
_OUT_OF_MEMORY = "OOMKilled"
_SLOW = "the pull takes too long"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a rollout does not get on; `pod` and `container` say whose output shows it."""

    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)
    pod: str = ""
    container: str = ""
    previous: bool = False
    """Whether the output meant is that of the container before its restart."""
    passing: bool = False
    """Whether it may pass by itself within moments."""


def finished(workload: Object) -> bool:
    """Tell whether a workload is as it should be and nothing of its predecessor is left."""
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if workload.get("kind") == "Job":
        return int(status.get("succeeded") or 0) >= int(spec.get("completions") or 1)
    if not seen.is_read(workload):
        return False
    wanted = int(spec.get("replicas", 1))
    ready = "readyReplicas" if workload.get("kind") == "StatefulSet" else "availableReplicas"
    counts = (status.get("updatedReplicas"), status.get("replicas"), status.get(ready))
    return all(int(count or 0) == wanted for count in counts)


def started(scene: NamespaceState) -> bool:
    """Tell whether every container has been started: from then on it is the program that takes its time."""
    hooks = {seen.name(hook) for hook in scene.hooks}
    pods = [pod for pod in scene.pods if seen.job_of(pod) not in hooks]
    states = [status.get("state") or {} for pod in pods for status in seen.statuses(pod, init=False)]
    return bool(states) and all("waiting" not in state for state in states)


def fatal(scene: NamespaceState) -> Trouble | None:
    """Return what will not pass by waiting, if there is such a thing."""
    found = _found(scene, (_refused, _broken, _job_failed))
    return next((trouble for trouble in found if not trouble.passing), None)


def doubtful(scene: NamespaceState) -> Trouble | None:
    """Return what may pass within moments, such as a pod that has no node yet; not for ever."""
    found = _found(scene, (_refused, _broken, _unscheduled))
    return next((trouble for trouble in found if trouble.passing), None)


def explain(scene: NamespaceState, name: str, seconds: float) -> Trouble:
    """Return why time ran out for `name`."""
    causes = (_refused, _broken, _job_failed, _unmounted, _probed, _unscheduled, _pulling)
    found = sorted(_found(scene, causes), key=lambda trouble: trouble.passing)
    trouble = next(iter(found), Trouble(Reason.UNHEALTHY, {"name": name}))
    return replace(trouble, facts={**trouble.facts, "seconds": f"{seconds:g}"})


def _found(
    scene: NamespaceState, causes: Iterable[Callable[[NamespaceState], Iterator[Trouble]]]
) -> Iterator[Trouble]:
    for cause in causes:
        yield from cause(scene)


def _refused(scene: NamespaceState) -> Iterator[Trouble]:
    """Yield why pods could not even be made."""
    for message in (*_failures(scene), *_failed_creations(scene)):
        reason = Reason.QUOTA_EXCEEDED if words.is_of_quota(message) else Reason.POD_REFUSED
        facts = {"message": words.without_pod(message)[: words.SHOWN]}
        yield Trouble(reason, facts, passing=words.passes(message))


def _failures(scene: NamespaceState) -> Iterator[str]:
    for owner in (*scene.replica_sets, *scene.workloads):
        for condition in (owner.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
                yield str(condition.get("message", ""))


def _failed_creations(scene: NamespaceState) -> Iterator[str]:
    """Yield what is said of stateful sets and jobs, which have no such condition, while they lack pods."""
    whole = {seen.name(owner) for owner in (*scene.workloads, *scene.hooks) if seen.has_its_pods(owner)}
    for event in scene.events:
        kind, name = seen.about(event)
        if event.get("reason") == "FailedCreate" and kind != "ReplicaSet" and name not in whole:
            yield _message(event)


def _broken(scene: NamespaceState) -> Iterator[Trouble]:
    for pod in scene.pods:
        for status in seen.statuses(pod):
            waiting = (status.get("state") or {}).get("waiting") or {}
            if trouble := _waiting(scene, pod, status, waiting):
                yield trouble


def _waiting(scene: NamespaceState, pod: Object, status: Object, waiting: Object) -> Trouble | None:
    why, name, message = waiting.get("reason"), str(status["name"]), _message(waiting)
    if why in _PULL:
        return _not_pulled(scene, pod, status, waiting)
    if why in _CONFIG and words.is_of_root(message):
        return Trouble(Reason.RUNS_AS_ROOT, {"name": name})
    if why in _CONFIG:
        facts = {"name": name, "message": message}
        return Trouble(Reason.CONTAINER_UNSTARTABLE, facts, passing=words.passes(message))
    return _crashed(scene, pod, status) if why == _CRASHED else None


def _not_pulled(scene: NamespaceState, pod: Object, status: Object, waiting: Object) -> Trouble:
    """Return what the registry said: the container itself soon only says that it waits.

    That it waits is to be seen before the event that says why: then the event is worth a moment.
    """
    image = seen.image(pod, status)
    told = _pull_message(scene, pod, image) or _message(waiting)
    passing = waiting.get("reason") == _TRIED_AGAIN or words.tells_nothing(told) or words.passes(told)
    facts = {"name": str(status["name"]), "image": image, "message": told}
    return Trouble(Reason.IMAGE_PULL_FAILED, facts, passing=passing)


def _crashed(scene: NamespaceState, pod: Object, status: Object) -> Trouble:
    last = (status.get("lastState") or {}).get("terminated") or {}
    name = str(status["name"])
    where = (seen.name(pod), name, True)
    if last.get("reason") in _NEVER_RAN:
        return Trouble(Reason.CONTAINER_UNSTARTABLE, {"name": name, "message": _message(last)})
    if last.get("reason") == _OUT_OF_MEMORY:
        return Trouble(Reason.OUT_OF_MEMORY, {"name": name, "limit": seen.limit(pod, name)}, *where)
    killed = next(_probe_events(scene, pod, "Liveness"), None)
    if killed is not None:
        return Trouble(Reason.PROBE_FAILING, {"name": name, "message": killed, "seconds": ""}, *where)
    return Trouble(Reason.CRASH_LOOP, {"name": name, "code": str(last.get("exitCode", ""))}, *where)


def _job_failed(scene: NamespaceState) -> Iterator[Trouble]:
    for job in filter(seen.has_failed, (*scene.workloads, *scene.hooks)):
        name = seen.name(job)
        pods = [pod for pod in scene.pods if seen.job_of(pod) == name and seen.statuses(pod)]
        where = [(seen.name(pod), str(seen.statuses(pod)[-1]["name"])) for pod in pods[:1]]
        yield Trouble(Reason.HOOK_FAILED, {"name": name}, *next(iter(where), ()))


def _unmounted(scene: NamespaceState) -> Iterator[Trouble]:
    """Yield what keeps volumes from pods that wait for them, the newest first."""
    waiting = {("Pod", seen.name(pod)) for pod in scene.pods if seen.waits(pod)}
    for event in reversed(scene.events):
        if event.get("reason") in {"FailedMount", "FailedAttachVolume"} and seen.about(event) in waiting:
            facts = {"name": seen.about(event)[1], "message": _message(event)}
            yield Trouble(Reason.CONTAINER_UNSTARTABLE, facts, passing=words.passes(facts["message"]))


def _probed(scene: NamespaceState) -> Iterator[Trouble]:
    for pod in scene.pods:
        for status in seen.statuses(pod, init=False):
            message = next(_probe_events(scene, pod, ""), None)
            if not status.get("ready") and message is not None:
                facts = {"name": str(status["name"]), "message": message}
                yield Trouble(Reason.PROBE_FAILING, facts, seen.name(pod), facts["name"])


def _unscheduled(scene: NamespaceState) -> Iterator[Trouble]:
    for pod in scene.pods:
        for condition in (pod.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                yield Trouble(Reason.UNSCHEDULABLE, {"message": _message(condition)}, passing=True)


def _pulling(scene: NamespaceState) -> Iterator[Trouble]:
    """Yield images that are still on their way."""
    for pod in scene.pods:
        about = [event for event in scene.events if seen.is_about(event, pod)]
        pulls = [event for event in about if event.get("reason") in {"Pulling", "Pulled"}]
        for status in seen.statuses(pod):
            if pulls and pulls[-1].get("reason") == "Pulling" and "waiting" in (status.get("state") or {}):
                facts = {"name": str(status["name"]), "image": seen.image(pod, status), "message": _SLOW}
                yield Trouble(Reason.IMAGE_PULL_FAILED, facts)


def _probe_events(scene: NamespaceState, pod: Object, kind: str) -> Iterator[str]:
    """Yield what probes of a pod said, the newest first."""
    for event in reversed(scene.events):
        message = _message(event)
        if event.get("reason") == "Unhealthy" and seen.is_about(event, pod) and message.startswith(kind):
            yield message


def _pull_message(scene: NamespaceState, pod: Object, image: str) -> str:
    said = (
        _message(event)
        for event in reversed(scene.events)
        if event.get("reason") == "Failed"
        and seen.is_about(event, pod)
        and f'pull image "{image}"' in str(event.get("message"))
    )
    return next(said, "")


def _message(found: Object) -> str:
    return words.plain(found.get("message"))
