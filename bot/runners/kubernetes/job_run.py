"""Runs a Job to its end and follows the output of its container: a test suite, or a command that sets up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.core.runs.fencing import holder_of, may_remove
from bot.model.errors import Overtaken, RetryLater, TellUser
from bot.model.holder import Holder
from bot.model.reason import Reason
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.polling import INTERVAL, until
from bot.runners.kubernetes.pure import cluster_labels, objects, rollout_status
from bot.runners.kubernetes.pure.cluster_labels import labels_of
from bot.runners.kubernetes.pure.manifests import EVENT, JOB, POD, ObjectKind
from bot.runners.kubernetes.pure.objects import NamespaceState
from bot.runners.kubernetes.pure.rollout_status import RolloutFailure
from bot.runners.kubernetes.rollout_watcher import STARTUP_SECONDS
from bot.runners.kubernetes.suite_logs import follow
from bot.runners.lines import LogWriter

GONE_AFTER = 60.0


class JobLost(RetryLater):
    """A Job was interrupted: its pod or itself is gone, and there is nothing to resume."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.CLUSTER_UNAVAILABLE, {"message": message})


async def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of one Job. Its role, in its labels, is also the name of the container that is followed."""

    body: Mapping[str, Any]
    subject: str
    """What people call it."""
    memory: str
    """Its memory limit, for people."""
    namespace: str
    cluster: Cluster
    labels: Mapping[str, str]
    writer: LogWriter
    prepare: Callable[[], Awaitable[None]] = _nothing
    """Creates what the Job needs, before the Job itself."""

    @property
    def role(self) -> str:
        """The role of the Job and its pod."""
        return str(self.body["metadata"]["labels"][cluster_labels.LABEL_ROLE])

    @property
    def _name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def _path(self) -> str:
        return JOB.path(self.namespace, self._name)

    async def start(self) -> None:
        """Create the Job, unless this attempt has done so before; an older one is removed first."""
        found = await self.cluster.get(self._path)
        if found is not None and self._own(found) and not found["metadata"].get("deletionTimestamp"):
            self.writer.line(f"the {self.role} Job is already running; resuming it")
            return
        if found is not None and not may_remove(labels_of(found), holder_of(self.labels)):
            raise Overtaken(Reason.CLUSTER_UNAVAILABLE)
        if found is not None:
            await self.remove()
        await self.prepare()
        try:
            await self.cluster.call("POST", JOB.path(self.namespace), body=dict(self.body))
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise

    async def until_started(self) -> dict[str, Any]:
        """Return the pod once its container has started. Raises TellUser with the reason why it cannot."""
        loop = asyncio.get_running_loop()
        end = loop.time() + STARTUP_SECONDS
        while True:
            # Read the Job before its pod: a pod read after the end of its Job has ended.
            job = await self._job()
            pods = await self._pods(job)
            for pod in pods:
                if state(pod, self.role).keys() & {"running", "terminated"}:
                    return pod
            if objects.is_over(job):
                raise JobLost(self._interruption(pods))
            events = objects.events_about(await self.cluster.list(EVENT.path(self.namespace)), (job, *pods))
            found = NamespaceState(workloads=[job], pods=pods, events=events)
            if failure := rollout_status.fatal(found):
                raise self._failed(failure)
            if loop.time() > end:
                raise self._failed(rollout_status.explain(found, self.subject, STARTUP_SECONDS))
            await asyncio.sleep(INTERVAL)

    async def exit_code(self, pod: Mapping[str, Any], seconds: float) -> int:
        """Follow the output to its end. Raises TimeoutError, TellUser(OUT_OF_MEMORY)."""
        path = f"{POD.path(self.namespace, pod['metadata']['name'])}"
        async with asyncio.timeout(seconds):
            await follow(self.cluster, path, self.role, self.writer, self._over)
        ended = state(await self.pod(path), self.role).get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            facts = {"name": self.subject, "limit": self.memory}
            raise self.with_log(TellUser(Reason.OUT_OF_MEMORY, facts))
        return int(ended.get("exitCode", 1))

    async def _over(self, path: str) -> bool:
        return "terminated" in state(await self.pod(path), self.role)

    async def pod(self, path: str) -> dict[str, Any]:
        """Return the pod. Raises JobLost if it is gone, or the node has stopped it."""
        found = await self.cluster.get(path)
        if found is None:
            raise JobLost(self._interruption([]))
        if self._was_stopped(found):
            raise JobLost(self._interruption([found]))
        return found

    async def _job(self) -> dict[str, Any]:
        found = await self.cluster.get(self._path)
        if found is None or not self._own(found):
            raise JobLost(f"the {self.role} Job is gone")
        return {**found, "kind": JOB.name}

    async def _pods(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the Job's own pods, oldest first; a pod of an earlier Job may still be terminating."""
        wanted = {"job-name": self._name, cluster_labels.LABEL_ROLE: self.role}
        found = await self.cluster.list(POD.path(self.namespace), wanted)
        own = [pod for pod in found if objects.owner(pod) == job["metadata"]["uid"]]
        living = [pod for pod in own if not pod["metadata"].get("deletionTimestamp")]
        return sorted(living, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))

    def _own(self, job: Mapping[str, Any]) -> bool:
        return holder_of(labels_of(job)) == holder_of(self.labels)

    def _interruption(self, pods: Sequence[Mapping[str, Any]]) -> str:
        """Return why the pod ended, such as an eviction."""
        status = (pods[0].get("status") or {}) if pods else {}
        reasons = [str(status[part]) for part in ("reason", "message") if status.get(part)]
        what = f"the {self.role} pod"
        return ": ".join([f"{what} was stopped", *reasons] if reasons else [f"{what} is gone"])

    def _was_stopped(self, pod: Mapping[str, Any]) -> bool:
        """Return whether the node stopped a pod: it gives a reason, or its containers have no state."""
        status = pod.get("status") or {}
        failed = status.get("phase") == "Failed"
        return failed and bool(status.get("reason") or "terminated" not in state(pod, self.role))

    async def remove(self) -> None:
        """Delete the Jobs of this role that are not newer; wait until no pod is left."""
        await stop(self.cluster, self.namespace, holder_of(self.labels), self.role)

    def _failed(self, failure: RolloutFailure) -> TellUser:
        return self.with_log(TellUser(failure.reason, {**failure.facts, "name": self.subject}))

    def with_log(self, error: TellUser) -> TellUser:
        """Return the error with the last lines of the output."""
        error.log = "\n".join(self.writer.tail)
        return error


async def stop(cluster: Cluster, namespace: str, holder: Holder, role: str) -> None:
    """Delete the Jobs of a role that are not newer than the holder; wait until no pod is left.

    Those of a step run one after the other, so that there is no other one to spare.
    """

    async def left(kind: ObjectKind) -> list[dict[str, Any]]:
        found = await cluster.list(kind.path(namespace), {cluster_labels.LABEL_ROLE: role})
        return [each for each in found if may_remove(labels_of(each), holder)]

    async def gone() -> bool:
        return not (await left(POD) or await left(JOB))

    for job in await left(JOB):
        metadata = job["metadata"]
        path = JOB.path(namespace, metadata["name"])
        await cluster.delete(path, preconditions={"uid": metadata["uid"]})
    try:
        await until(GONE_AFTER, gone)
    except TimeoutError:
        raise ClusterUnavailable(
            f"pods of {role} still run {GONE_AFTER:g} s after their Jobs were deleted"
        ) from None


def state(pod: Mapping[str, Any], container: str) -> dict[str, Any]:
    """Return the state of one of a pod's containers; empty if it has none yet."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((dict(each.get("state") or {}) for each in statuses if each["name"] == container), {})
