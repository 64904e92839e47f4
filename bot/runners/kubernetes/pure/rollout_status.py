"""Decides from a namespace's state whether a rollout is up, and if not, why. Pure.

“Timed out” does not help. So the most specific fact of the pods, their owners and events is chosen; what
people can fix comes before what may resolve itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bot.model.reason import Reason
from bot.model.shortening import shortened
from bot.runners.kubernetes.pure import event_messages, objects, quota
from bot.runners.kubernetes.pure.objects import NamespaceState, Object

_PULL = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable"}
_TRIED_AGAIN = "ErrImagePull"
"""The kubelet retries it within moments."""
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_NEVER_RAN = {"ContainerCannotRun", "StartError"}
"""Reasons that engines give for a container that did not start."""
_CRASHED = "CrashLoopBackOff"
_OUT_OF_MEMORY = "OOMKilled"
_SLOW = "the pull takes too long"


@dataclass(frozen=True, slots=True)
class RolloutFailure:
    """Why a rollout does not progress; `pod` and `container` name the output that shows it."""

    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)
    pod: str = ""
    container: str = ""
    previous: bool = False
    """Whether the output is that of the container before its restart."""
    transient: bool = False
    """Whether it may resolve itself within moments."""


def finished(workload: Object) -> bool:
    """Return whether a workload is completely up, and no pods of an earlier revision are left."""
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    if workload.get("kind") == "Job":
        return int(status.get("succeeded") or 0) >= int(spec.get("completions") or 1)
    if not objects.is_observed(workload):
        return False
    wanted = int(spec.get("replicas", 1))
    ready = "readyReplicas" if workload.get("kind") == "StatefulSet" else "availableReplicas"
    counts = (status.get("updatedReplicas"), status.get("replicas"), status.get(ready))
    return all(int(count or 0) == wanted for count in counts)


def started(state: NamespaceState) -> bool:
    """Return whether every container has started: from then on, only the programs take time."""
    hooks = {objects.name(hook) for hook in state.hooks}
    pods = [pod for pod in state.pods if objects.job_of(pod) not in hooks]
    states = [status.get("state") or {} for pod in pods for status in objects.statuses(pod, init=False)]
    return bool(states) and all("waiting" not in state for state in states)


def fatal(state: NamespaceState) -> RolloutFailure | None:
    """Return a failure that waiting does not resolve, if there is one."""
    found = _found(state, (_refused, _broken, _job_failed))
    return next((failure for failure in found if not failure.transient), None)


def transient(state: NamespaceState) -> RolloutFailure | None:
    """Return a failure that may resolve itself, such as a pod without a node, if there is one."""
    found = _found(state, (_refused, _broken, _unscheduled))
    return next((failure for failure in found if failure.transient), None)


def explain(state: NamespaceState, name: str, seconds: float) -> RolloutFailure:
    """Return why time ran out for `name`."""
    causes = (_refused, _broken, _job_failed, _unmounted, _probed, _unscheduled, _pulling)
    found = sorted(_found(state, causes), key=lambda failure: failure.transient)
    failure = next(iter(found), RolloutFailure(Reason.UNHEALTHY, {"name": name}))
    return replace(failure, facts={**failure.facts, "seconds": f"{seconds:g}"})


def crashed(state: NamespaceState) -> RolloutFailure | None:
    """Return the last crash of a container that is not ready, even if it does not wait for a restart now."""
    for pod in state.pods:
        for status in objects.statuses(pod, init=False):
            last = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get(
                "terminated"
            )
            if last and not status.get("ready"):
                return _crashed(state, pod, {**status, "lastState": {"terminated": last}})
    return None


def _found(
    state: NamespaceState, causes: Iterable[Callable[[NamespaceState], Iterator[RolloutFailure]]]
) -> Iterator[RolloutFailure]:
    for cause in causes:
        yield from cause(state)


def _refused(state: NamespaceState) -> Iterator[RolloutFailure]:
    """Yield why pods could not be created."""
    for message in (*_failures(state), *_failed_creations(state)):
        reason = Reason.QUOTA_EXCEEDED if event_messages.is_about_quota(message) else Reason.POD_REFUSED
        facts = {"message": shortened(event_messages.without_pod(message), event_messages.SHOWN)}
        uncertain = event_messages.is_transient(message) or quota.counts_more(message, state.pods)
        yield RolloutFailure(reason, facts, transient=uncertain)


def _failures(state: NamespaceState) -> Iterator[str]:
    for owner in (*state.replica_sets, *state.workloads):
        for condition in (owner.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
                yield str(condition.get("message", ""))


def _failed_creations(state: NamespaceState) -> Iterator[str]:
    """Yield the events of StatefulSets and Jobs without pods; these kinds have no such condition."""
    whole = {objects.name(owner) for owner in (*state.workloads, *state.hooks) if objects.has_its_pods(owner)}
    for event in state.events:
        kind, name = objects.about(event)
        if event.get("reason") == "FailedCreate" and kind != "ReplicaSet" and name not in whole:
            yield _message(event)


def _broken(state: NamespaceState) -> Iterator[RolloutFailure]:
    for pod in state.pods:
        for status in objects.statuses(pod):
            waiting = (status.get("state") or {}).get("waiting") or {}
            if failure := _waiting(state, pod, status, waiting):
                yield failure


def _waiting(state: NamespaceState, pod: Object, status: Object, waiting: Object) -> RolloutFailure | None:
    why, name, message = waiting.get("reason"), str(status["name"]), _message(waiting)
    if why in _PULL:
        return _not_pulled(state, pod, status, waiting)
    if why in _CONFIG and event_messages.is_about_root(message):
        return RolloutFailure(Reason.RUNS_AS_ROOT, {"name": name})
    if why in _CONFIG:
        facts = {"name": name, "message": message}
        return RolloutFailure(
            Reason.CONTAINER_UNSTARTABLE, facts, transient=event_messages.is_transient(message)
        )
    return _crashed(state, pod, status) if why == _CRASHED else None


def _not_pulled(state: NamespaceState, pod: Object, status: Object, waiting: Object) -> RolloutFailure:
    """Return the registry's error: the container itself soon only reports the back-off.

    The back-off is visible before the event with the reason; until then the failure is transient.
    """
    image = objects.image(pod, status)
    message = _pull_message(state, pod, image) or _message(waiting)
    transient = (
        waiting.get("reason") == _TRIED_AGAIN
        or event_messages.is_back_off(message)
        or event_messages.is_transient(message)
    )
    facts = {"name": str(status["name"]), "image": image, "message": message}
    return RolloutFailure(Reason.IMAGE_PULL_FAILED, facts, transient=transient)


def _crashed(state: NamespaceState, pod: Object, status: Object) -> RolloutFailure:
    last = (status.get("lastState") or {}).get("terminated") or {}
    name = str(status["name"])
    where = (objects.name(pod), name, True)
    if last.get("reason") in _NEVER_RAN:
        return RolloutFailure(Reason.CONTAINER_UNSTARTABLE, {"name": name, "message": _message(last)})
    if last.get("reason") == _OUT_OF_MEMORY:
        return RolloutFailure(Reason.OUT_OF_MEMORY, {"name": name, "limit": objects.limit(pod, name)}, *where)
    killed = next(_probe_events(state, pod, "Liveness"), None)
    if killed is not None:
        return RolloutFailure(Reason.PROBE_FAILING, {"name": name, "message": killed, "seconds": ""}, *where)
    return RolloutFailure(Reason.CRASH_LOOP, {"name": name, "code": str(last.get("exitCode", ""))}, *where)


def _job_failed(state: NamespaceState) -> Iterator[RolloutFailure]:
    for job in filter(objects.has_failed, (*state.workloads, *state.hooks)):
        name = objects.name(job)
        pods = [pod for pod in state.pods if objects.job_of(pod) == name and objects.statuses(pod)]
        where = [(objects.name(pod), str(objects.statuses(pod)[-1]["name"])) for pod in pods[:1]]
        yield RolloutFailure(Reason.HOOK_FAILED, {"name": name}, *next(iter(where), ()))


def _unmounted(state: NamespaceState) -> Iterator[RolloutFailure]:
    """Yield why volumes of waiting pods cannot be mounted, newest first."""
    waiting = {("Pod", objects.name(pod)) for pod in state.pods if objects.waits(pod)}
    for event in reversed(state.events):
        if event.get("reason") in {"FailedMount", "FailedAttachVolume"} and objects.about(event) in waiting:
            facts = {"name": objects.about(event)[1], "message": _message(event)}
            yield RolloutFailure(
                Reason.CONTAINER_UNSTARTABLE, facts, transient=event_messages.is_transient(facts["message"])
            )


def _probed(state: NamespaceState) -> Iterator[RolloutFailure]:
    for pod in state.pods:
        for status in objects.statuses(pod, init=False):
            message = next(_probe_events(state, pod, ""), None)
            if not status.get("ready") and message is not None:
                facts = {"name": str(status["name"]), "message": message}
                yield RolloutFailure(Reason.PROBE_FAILING, facts, objects.name(pod), facts["name"])


def _unscheduled(state: NamespaceState) -> Iterator[RolloutFailure]:
    for pod in state.pods:
        for condition in (pod.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                yield RolloutFailure(Reason.UNSCHEDULABLE, {"message": _message(condition)}, transient=True)


def _pulling(state: NamespaceState) -> Iterator[RolloutFailure]:
    """Yield images that are still being pulled."""
    for pod in state.pods:
        about = [event for event in state.events if objects.is_about(event, pod)]
        pulls = [event for event in about if event.get("reason") in {"Pulling", "Pulled"}]
        for status in objects.statuses(pod):
            if pulls and pulls[-1].get("reason") == "Pulling" and "waiting" in (status.get("state") or {}):
                facts = {"name": str(status["name"]), "image": objects.image(pod, status), "message": _SLOW}
                yield RolloutFailure(Reason.IMAGE_PULL_FAILED, facts)


def _probe_events(state: NamespaceState, pod: Object, kind: str) -> Iterator[str]:
    """Yield the messages of a pod's failed probes, newest first."""
    for event in reversed(state.events):
        message = _message(event)
        if event.get("reason") == "Unhealthy" and objects.is_about(event, pod) and message.startswith(kind):
            yield message


def _pull_message(state: NamespaceState, pod: Object, image: str) -> str:
    messages = (
        _message(event)
        for event in reversed(state.events)
        if event.get("reason") == "Failed"
        and objects.is_about(event, pod)
        and f'pull image "{image}"' in str(event.get("message"))
    )
    return next(messages, "")


def _message(found: Object) -> str:
    return event_messages.plain(found.get("message"))
