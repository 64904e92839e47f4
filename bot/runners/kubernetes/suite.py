"""Runs one suite as a Job: starts or resumes it, follows it to its end, collects the report."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.core.runs.fencing import holder_of, may_remove
from bot.model.errors import Overtaken, RetryLater, TellUser
from bot.model.holder import Holder
from bot.model.reason import Reason
from bot.ports import TestOutput, TestSpec
from bot.runners.cleanup import unless_cancelled
from bot.runners.kubernetes import suite_job
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.namespace_secrets import NamespaceSecrets
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.polling import INTERVAL, until
from bot.runners.kubernetes.pure import cluster_labels, objects, rollout_status
from bot.runners.kubernetes.pure.cluster_labels import labels_of
from bot.runners.kubernetes.pure.manifests import EVENT, JOB, POD, ObjectKind
from bot.runners.kubernetes.pure.objects import NamespaceState
from bot.runners.kubernetes.pure.rollout_status import RolloutFailure
from bot.runners.kubernetes.rollout_watcher import STARTUP_SECONDS
from bot.runners.kubernetes.suite_logs import follow, report
from bot.runners.lines import LogWriter

REPORT_SECONDS = 60.0
GONE_AFTER = 60.0


class SuiteLost(RetryLater):
    """The tests were interrupted: their pod or Job is gone, and there is nothing to resume."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.CLUSTER_UNAVAILABLE, {"message": message})


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """One run of one suite."""

    spec: TestSpec
    namespace: str
    cluster: Cluster
    options: KubernetesOptions
    labels: Mapping[str, str]
    writer: LogWriter

    async def run(self) -> TestOutput:
        """Run the suite to its end. Then the Job and its pod are deleted.

        While the cluster is unavailable they stay, and the next try resumes them.
        """
        async with unless_cancelled(self._remove, spared=ClusterUnavailable):
            return await self._run()

    async def _run(self) -> TestOutput:
        try:
            await self._start()
            pod = await self._until_started()
            return TestOutput(await self._finish(pod), await self._report(pod))
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            # The Job, its pod or the namespace was deleted between two requests.
            raise SuiteLost(refused.message) from refused

    @property
    def _path(self) -> str:
        return JOB.path(self.namespace, suite_job.name(self.spec.suite))

    async def _start(self) -> None:
        found = await self.cluster.get(self._path)
        if found is not None and self._own(found) and not found["metadata"].get("deletionTimestamp"):
            self.writer.line("the tests are already running; resuming them")
            return
        if found is not None and not may_remove(labels_of(found), holder_of(self.labels)):
            raise Overtaken(Reason.CLUSTER_UNAVAILABLE)
        if found is not None:
            await self._remove()
        await NamespaceSecrets(self.cluster, self.namespace, self.labels).of_tests(self.spec.secrets)
        body = suite_job.job(self.spec, self.options, self.labels)
        try:
            await self.cluster.call("POST", JOB.path(self.namespace), body=body)
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise

    def _own(self, job: Mapping[str, Any]) -> bool:
        return holder_of(labels_of(job)) == holder_of(self.labels)

    async def _until_started(self) -> dict[str, Any]:
        """Return the pod once its tests have started. Raises TellUser with the reason why they cannot."""
        loop = asyncio.get_running_loop()
        end = loop.time() + STARTUP_SECONDS
        while True:
            # Read the Job before its pod: a pod read after the end of its Job has ended.
            job = await self._job()
            pods = await self._pods(job)
            for pod in pods:
                if _state(pod, suite_job.TESTS).keys() & {"running", "terminated"}:
                    return pod
            if objects.is_over(job):
                raise SuiteLost(_interruption(pods))
            events = objects.events_about(await self.cluster.list(EVENT.path(self.namespace)), (job, *pods))
            state = NamespaceState(workloads=[job], pods=pods, events=events)
            if failure := rollout_status.fatal(state):
                raise self._failed(failure)
            if loop.time() > end:
                raise self._failed(rollout_status.explain(state, self.spec.suite, STARTUP_SECONDS))
            await asyncio.sleep(INTERVAL)

    async def _finish(self, pod: Mapping[str, Any]) -> int:
        path = f"{POD.path(self.namespace, pod['metadata']['name'])}"
        try:
            async with asyncio.timeout(self.spec.timeout):
                await follow(self.cluster, path, suite_job.TESTS, self.writer, self._over)
        except TimeoutError:
            facts = {"step": "test", "seconds": str(self.spec.timeout)}
            raise self._with_log(TellUser(Reason.TIMED_OUT, facts)) from None
        ended = _state(await self._pod(path), suite_job.TESTS).get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            limit = self.spec.memory
            raise self._with_log(TellUser(Reason.OUT_OF_MEMORY, {"name": self.spec.suite, "limit": limit}))
        return int(ended.get("exitCode", 1))

    async def _over(self, path: str) -> bool:
        return "terminated" in _state(await self._pod(path), suite_job.TESTS)

    async def _report(self, pod: Mapping[str, Any]) -> dict[str, bytes]:
        path = f"{POD.path(self.namespace, pod['metadata']['name'])}"

        async def written() -> bool:
            return "terminated" in _state(await self._pod(path), suite_job.REPORTS)

        try:
            await until(REPORT_SECONDS, written)
        except TimeoutError:
            self.writer.line("the report was not available in time")
            return {}
        return await report(self.cluster, path, suite_job.REPORTS)

    async def _pod(self, path: str) -> dict[str, Any]:
        found = await self.cluster.get(path)
        if found is None:
            raise SuiteLost(_interruption([]))
        if _was_stopped(found):
            raise SuiteLost(_interruption([found]))
        return found

    async def _job(self) -> dict[str, Any]:
        found = await self.cluster.get(self._path)
        if found is None or not self._own(found):
            raise SuiteLost("the Job of the tests is gone")
        return {**found, "kind": JOB.name}

    async def _pods(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the Job's own pods, oldest first; a pod of an earlier Job may still be terminating."""
        wanted = {"job-name": suite_job.name(self.spec.suite), cluster_labels.LABEL_ROLE: "tests"}
        found = await self.cluster.list(POD.path(self.namespace), wanted)
        own = [pod for pod in found if objects.owner(pod) == job["metadata"]["uid"]]
        living = [pod for pod in own if not pod["metadata"].get("deletionTimestamp")]
        return sorted(living, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))

    async def _remove(self) -> None:
        await stop(self.cluster, self.namespace, holder_of(self.labels))

    def _failed(self, failure: RolloutFailure) -> TellUser:
        return self._with_log(TellUser(failure.reason, {**failure.facts, "name": self.spec.suite}))

    def _with_log(self, error: TellUser) -> TellUser:
        error.log = "\n".join(self.writer.tail)
        return error


async def stop(cluster: Cluster, namespace: str, holder: Holder) -> None:
    """Delete the Jobs and Secrets of suites that are not newer than the holder; wait until no pod is left.

    The suites of a step run one after the other, so that there is no other one to spare.
    """

    async def left(kind: ObjectKind) -> list[dict[str, Any]]:
        found = await cluster.list(kind.path(namespace), {cluster_labels.LABEL_ROLE: suite_job.TESTS})
        return [each for each in found if may_remove(labels_of(each), holder)]

    async def gone() -> bool:
        return not (await left(POD) or await left(JOB))

    for job in await left(JOB):
        metadata = job["metadata"]
        path = JOB.path(namespace, metadata["name"])
        await cluster.delete(path, preconditions={"uid": metadata["uid"]})
    await NamespaceSecrets(cluster, namespace, {}).remove_of_tests(holder)
    try:
        await until(GONE_AFTER, gone)
    except TimeoutError:
        raise ClusterUnavailable(f"tests still run {GONE_AFTER:g} s after their Jobs were deleted") from None


def _interruption(pods: Sequence[Mapping[str, Any]]) -> str:
    """Return why the pod of the tests ended, such as an eviction."""
    status = (pods[0].get("status") or {}) if pods else {}
    reasons = [str(status[part]) for part in ("reason", "message") if status.get(part)]
    return ": ".join(["the tests' pod was stopped", *reasons] if reasons else ["the tests' pod is gone"])


def _was_stopped(pod: Mapping[str, Any]) -> bool:
    """Return whether the node stopped a pod: it gives a reason, or there is no state of the containers."""
    status = pod.get("status") or {}
    failed = status.get("phase") == "Failed"
    return failed and bool(status.get("reason") or "terminated" not in _state(pod, suite_job.TESTS))


def _state(pod: Mapping[str, Any], container: str) -> dict[str, Any]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((dict(each.get("state") or {}) for each in statuses if each["name"] == container), {})
