"""What a workload and its pods say of the health of an environment. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from bot.model.health import Part
from bot.model.reason import Reason
from bot.runners.kubernetes.pure import objects, rollout_status
from bot.runners.kubernetes.pure.objects import NamespaceState, Object
from bot.runners.kubernetes.pure.rollout_status import RolloutFailure

_OVER = {"Succeeded", "Failed"}
"""Phases of pods that run no more, such as evicted ones; their workload replaces them."""


def is_up(workload: Object) -> bool:
    """Return whether as many pods are ready as there should be."""
    wanted = int((workload.get("spec") or {}).get("replicas", 1))
    return int((workload.get("status") or {}).get("readyReplicas") or 0) >= wanted


def part(workload: Object, pods: Iterable[Object]) -> Part:
    """Return a workload as a part of its environment. `pods` are needed only for one that is not up."""
    name, namespace = objects.name(workload), str(workload["metadata"]["namespace"])
    id_ = f"{namespace}/{workload['kind']}/{name}"
    if is_up(workload):
        return Part(id_, name, up=True)
    mine = [pod for pod in pods if _belongs(pod, workload)]
    failure = _failure(NamespaceState(workloads=[workload], pods=mine), name)
    return Part(
        id_,
        name,
        up=False,
        restarts=sum(int(status.get("restartCount") or 0) for status in _statuses(mine)),
        reason=failure.reason,
        facts={fact: value for fact, value in failure.facts.items() if fact != "seconds"},
        output_of=(namespace, failure.pod, failure.container, "previous" if failure.previous else ""),
    )


def part_with_output(workload: Object, pods: Iterable[Object]) -> Part:
    """Return a workload as a part whose output can be read, also if it is up. `pods` are those beside it."""
    found = list(pods)
    one = part(workload, found)
    pod = next((pod for pod in found if _belongs(pod, workload)), None)
    if any(one.output_of[1:]) or pod is None:
        return one
    container = str(pod["spec"]["containers"][0]["name"])
    namespace = str(workload["metadata"]["namespace"])
    return replace(one, output_of=(namespace, objects.name(pod), container, ""))


def _failure(state: NamespaceState, name: str) -> RolloutFailure:
    """Return why a workload is not up, and whose output shows it."""
    if not state.pods:
        return RolloutFailure(Reason.CONTAINER_STOPPED, {"name": name})
    failure = rollout_status.explain(state, name, 0)
    if failure.reason is not Reason.UNHEALTHY:
        return failure
    if crashed := rollout_status.crashed(state):
        return crashed
    pod = state.pods[0]
    container = next((str(status["name"]) for status in _statuses([pod]) if not status.get("ready")), "")
    return RolloutFailure(Reason.NO_LONGER_HEALTHY, {"name": name}, objects.name(pod), container)


def _statuses(pods: Iterable[Object]) -> list[Object]:
    return [status for pod in pods for status in objects.statuses(pod, init=False)]


def _belongs(pod: Object, workload: Object) -> bool:
    """Return whether a living pod is of a workload."""
    metadata, over = pod["metadata"], (pod.get("status") or {}).get("phase") in _OVER
    wanted = workload["spec"]["selector"].get("matchLabels") or {}
    return (
        not over
        and not metadata.get("deletionTimestamp")
        and wanted.items() <= (metadata.get("labels") or {}).items()
    )
