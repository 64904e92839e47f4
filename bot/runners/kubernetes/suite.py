"""One suite in a Job of its own: started or taken up again, followed to its end, its report taken out."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.core import naming
from bot.model.errors import RetryLater, TellUser
from bot.model.reason import Reason
from bot.ports import TestOutput, TestSpec
from bot.runners.cleanup import uninterrupted
from bot.runners.kubernetes import suite_job
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.polling import INTERVAL, until
from bot.runners.kubernetes.pure import cluster_labels, objects, rollout_status
from bot.runners.kubernetes.pure.manifests import EVENT, JOB, POD
from bot.runners.kubernetes.pure.objects import NamespaceState
from bot.runners.kubernetes.pure.rollout_status import RolloutFailure
from bot.runners.kubernetes.rollout_watcher import PATIENCE
from bot.runners.kubernetes.suite_logs import follow, report
from bot.runners.lines import LogWriter

COLLECTED_AFTER = 60.0
GONE_AFTER = 60.0


class SuiteLost(RetryLater):
    """The tests came to no end of their own: their pod or Job went, and there is nothing to take up."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.CLUSTER_UNAVAILABLE, {"message": message})


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """All that one suite needs."""

    spec: TestSpec
    namespace: str
    cluster: Cluster
    options: KubernetesOptions
    labels: Mapping[str, str]
    writer: LogWriter

    async def run(self) -> TestOutput:
        """Run to the end; the Job and its pod are gone afterwards, unless the cluster was out of reach."""
        try:
            output = await self._through()
        except ClusterUnavailable:
            # The Job stays for the next attempt, which takes it up again.
            raise
        except BaseException:
            await uninterrupted(self._remove())
            raise
        await uninterrupted(self._remove())
        return output

    async def _through(self) -> TestOutput:
        try:
            await self._start()
            pod = await self._begun()
            return TestOutput(await self._finish(pod), await self._report(pod))
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            # Gone between a look at it and the next question about it; or the namespace is.
            raise SuiteLost(refused.message) from refused

    @property
    def _path(self) -> str:
        return JOB.path(self.namespace, suite_job.name(self.spec.suite))

    async def _start(self) -> None:
        found = await self.cluster.get(self._path)
        if found is not None and self._same_run(found):
            self.writer.line("the tests were started before and are taken up again")
            return
        if found is not None:
            await self._remove()
        body = suite_job.job(self.spec, self.options, self.labels)
        try:
            await self.cluster.call("POST", JOB.path(self.namespace), body=body)
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise

    def _same_run(self, found: Mapping[str, Any]) -> bool:
        metadata = found["metadata"]
        run = (metadata.get("labels") or {}).get(naming.LABEL_RUN)
        return not metadata.get("deletionTimestamp") and run == self.labels.get(naming.LABEL_RUN)

    async def _begun(self) -> dict[str, Any]:
        """Return the pod once its tests run or have run; raises TellUser with the reason why they do not."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while True:
            # The Job before its pod: a pod that is seen after the end of its Job is one that has ended.
            job = await self._job()
            pods = await self._pods(job)
            if begun := [
                pod for pod in pods if _state(pod, suite_job.TESTS).keys() & {"running", "terminated"}
            ]:
                return begun[0]
            if objects.is_over(job):
                raise SuiteLost(_told_of(pods))
            events = objects.events_about(await self.cluster.list(EVENT.path(self.namespace)), (job, *pods))
            state = NamespaceState(workloads=[job], pods=pods, events=events)
            if failure := rollout_status.fatal(state):
                raise self._failed(failure)
            if loop.time() > end:
                raise self._failed(rollout_status.explain(state, self.spec.suite, PATIENCE))
            await asyncio.sleep(INTERVAL)

    async def _finish(self, pod: Mapping[str, Any]) -> int:
        path = f"{POD.path(self.namespace, pod['metadata']['name'])}"
        try:
            async with asyncio.timeout(self.spec.timeout):
                await follow(self.cluster, path, suite_job.TESTS, self.writer, self._over)
        except TimeoutError:
            facts = {"step": "test", "seconds": str(self.spec.timeout)}
            raise self._told(TellUser(Reason.TIMED_OUT, facts)) from None
        ended = _state(await self._pod(path), suite_job.TESTS).get("terminated") or {}
        if ended.get("reason") == "OOMKilled":
            limit = self.spec.memory
            raise self._told(TellUser(Reason.OUT_OF_MEMORY, {"name": self.spec.suite, "limit": limit}))
        return int(ended.get("exitCode", 1))

    async def _over(self, path: str) -> bool:
        return "terminated" in _state(await self._pod(path), suite_job.TESTS)

    async def _report(self, pod: Mapping[str, Any]) -> dict[str, bytes]:
        path = f"{POD.path(self.namespace, pod['metadata']['name'])}"

        async def written() -> bool:
            return "terminated" in _state(await self._pod(path), suite_job.REPORTS)

        try:
            await until(COLLECTED_AFTER, written)
        except TimeoutError:
            self.writer.line("the report could not be taken out in time")
            return {}
        return await report(self.cluster, path, suite_job.REPORTS)

    async def _pod(self, path: str) -> dict[str, Any]:
        found = await self.cluster.get(path)
        if found is None:
            raise SuiteLost(_told_of([]))
        if _was_ended(found):
            raise SuiteLost(_told_of([found]))
        return found

    async def _job(self) -> dict[str, Any]:
        found = await self.cluster.get(self._path)
        if found is None:
            raise SuiteLost("the job of the tests vanished")
        return {**found, "kind": JOB.name}

    async def _pods(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the Job's own pods, the first first: one of its predecessor may still be on its way out."""
        wanted = {"job-name": suite_job.name(self.spec.suite), cluster_labels.LABEL_ROLE: "tests"}
        found = await self.cluster.list(POD.path(self.namespace), wanted)
        own = [pod for pod in found if objects.owner(pod) == job["metadata"]["uid"]]
        living = [pod for pod in own if not pod["metadata"].get("deletionTimestamp")]
        return sorted(living, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))

    async def _remove(self) -> None:
        await stop(self.cluster, self.namespace, {"job-name": suite_job.name(self.spec.suite)}, [self._path])

    def _failed(self, failure: RolloutFailure) -> TellUser:
        return self._told(TellUser(failure.reason, {**failure.facts, "name": self.spec.suite}))

    def _told(self, error: TellUser) -> TellUser:
        error.log = "\n".join(self.writer.tail)
        return error


async def stop(cluster: Cluster, namespace: str, pods: Mapping[str, str], paths: Sequence[str]) -> None:
    """Delete Jobs and wait until none of them, and none of their pods, is left."""

    async def gone() -> bool:
        if await cluster.list(POD.path(namespace), pods):
            return False
        return not any([await cluster.get(path) for path in paths])

    for path in paths:
        await cluster.delete(path)
    try:
        await until(GONE_AFTER, gone)
    except TimeoutError:
        raise ClusterUnavailable(f"tests still run {GONE_AFTER:g} s after they were stopped") from None


async def stop_all(cluster: Cluster, namespace: str) -> None:
    """Remove every suite of an environment."""
    role = {cluster_labels.LABEL_ROLE: suite_job.TESTS}
    found = await cluster.list(JOB.path(namespace), role)
    await stop(cluster, namespace, role, [JOB.path(namespace, each["metadata"]["name"]) for each in found])


def _told_of(pods: Sequence[Mapping[str, Any]]) -> str:
    """Return what became of a pod that was to run tests: evicted, for instance."""
    status = (pods[0].get("status") or {}) if pods else {}
    told = [str(status[part]) for part in ("reason", "message") if status.get(part)]
    return ": ".join(["the pod of the tests was ended", *told]) if told else "the pod of the tests vanished"


def _was_ended(pod: Mapping[str, Any]) -> bool:
    """Tell whether a node has ended a pod: then it says why, or nothing is known of the containers."""
    status = pod.get("status") or {}
    failed = status.get("phase") == "Failed"
    return failed and bool(status.get("reason") or "terminated" not in _state(pod, suite_job.TESTS))


def _state(pod: Mapping[str, Any], container: str) -> dict[str, Any]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((dict(each.get("state") or {}) for each in statuses if each["name"] == container), {})
