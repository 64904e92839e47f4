"""Runs one suite as a Job: starts or resumes it, follows it to its end, collects the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.core.runs.fencing import holder_of
from bot.model.errors import TellUser
from bot.model.holder import Holder
from bot.model.reason import Reason
from bot.ports import TestOutput, TestSpec
from bot.runners.cleanup import unless_cancelled
from bot.runners.kubernetes import job_run, suite_job
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.job_run import JobLost, JobRun
from bot.runners.kubernetes.namespace_secrets import NamespaceSecrets
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.polling import until
from bot.runners.kubernetes.pure.manifests import POD
from bot.runners.kubernetes.suite_logs import report
from bot.runners.lines import LogWriter

REPORT_SECONDS = 60.0


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

    @property
    def job(self) -> JobRun:
        """The Job of the suite."""
        return JobRun(
            suite_job.job(self.spec, self.options, self.labels),
            self.spec.suite,
            self.spec.memory,
            self.namespace,
            self.cluster,
            self.labels,
            self.writer,
            self._prepare,
        )

    async def _run(self) -> TestOutput:
        job = self.job
        try:
            await job.start()
            pod = await job.until_started()
            return TestOutput(await self._exit_code(job, pod), await self._report(job, pod))
        except ClusterRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            # The Job, its pod or the namespace was deleted between two requests.
            raise JobLost(refused.message) from refused

    async def _prepare(self) -> None:
        await NamespaceSecrets(self.cluster, self.namespace, self.labels).of_tests(self.spec.secrets)

    async def _exit_code(self, job: JobRun, pod: Mapping[str, Any]) -> int:
        try:
            return await job.exit_code(pod, self.spec.timeout)
        except TimeoutError:
            facts = {"step": "test", "seconds": str(self.spec.timeout)}
            raise job.with_log(TellUser(Reason.TIMED_OUT, facts)) from None

    async def _report(self, job: JobRun, pod: Mapping[str, Any]) -> dict[str, bytes]:
        path = f"{POD.path(self.namespace, pod['metadata']['name'])}"

        async def written() -> bool:
            return "terminated" in job_run.state(await job.pod(path), suite_job.REPORTS)

        try:
            await until(REPORT_SECONDS, written)
        except TimeoutError:
            self.writer.line("the report was not available in time")
            return {}
        return await report(self.cluster, path, suite_job.REPORTS)

    async def _remove(self) -> None:
        await stop(self.cluster, self.namespace, holder_of(self.labels))


async def stop(cluster: Cluster, namespace: str, holder: Holder) -> None:
    """Delete the Jobs and Secrets of suites that are not newer than the holder; wait until no pod is left."""
    await NamespaceSecrets(cluster, namespace, {}).remove_of_tests(holder)
    await job_run.stop(cluster, namespace, holder, suite_job.TESTS)
