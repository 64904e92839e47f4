"""Runs the commands that prepare an environment's data, each as a Job like the service itself."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bot.model.pipeline import SetupCommand
from bot.ports import EnvironmentSpec
from bot.runners import setup
from bot.runners.cleanup import unless_cancelled
from bot.runners.kubernetes import rendering
from bot.runners.kubernetes.cluster import Cluster, ClusterRefused, ClusterUnavailable
from bot.runners.kubernetes.job_run import JobLost, JobRun
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.pure import cluster_labels
from bot.runners.kubernetes.pure.manifests import read
from bot.runners.kubernetes.suite_job import MARGIN
from bot.runners.kubernetes.template_context import template_context
from bot.runners.lines import LogWriter

SETTLED = 2.0
"""Seconds for nodes to learn where the ready services are; until then, they refuse connections to them."""


@dataclass(frozen=True, slots=True)
class SetupRun:
    """The commands of one deployment."""

    spec: EnvironmentSpec
    namespace: str
    cluster: Cluster
    options: KubernetesOptions
    labels: Mapping[str, str]
    writer: LogWriter
    new_data: bool = True
    """Whether nothing of the data is from an earlier deployment."""

    async def run(self) -> None:
        """Run all commands; the Job of each is deleted afterwards. Raises as `Platform.deploy` does.

        While the cluster is unavailable they stay, and the next try resumes them.
        """
        if self.spec.setup.commands and self.spec.services:
            await asyncio.sleep(SETTLED)
        await setup.run(self.spec.setup, self.writer, self._execute, new=self.new_data)

    async def _execute(self, number: int, command: SetupCommand, writer: LogWriter) -> int:
        body = self.body(number, command)
        memory = next(
            (one.memory for one in self.spec.services if one.name == command.service and one.memory),
            self.spec.memory,
        )
        job = JobRun(body, setup.SETUP, memory, self.namespace, self.cluster, self.labels, writer)
        async with unless_cancelled(job.remove, spared=ClusterUnavailable):
            try:
                await job.start()
                pod = await job.until_started()
                return await job.exit_code(pod, self.spec.setup.timeout)
            except ClusterRefused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise
                # The Job, its pod or the namespace was deleted between two requests.
                raise JobLost(refused.message) from refused

    def body(self, number: int, command: SetupCommand) -> Mapping[str, Any]:
        """Return the Job of a command."""
        whole = template_context(self.spec, self.namespace, self.spec.port or 0, self.options)
        own = {**whole, "image": whole["image"]["pinned"], "files": None, "working_dir": None}
        part = next((one for one in whole["services"] if one["name"] == command.service), own)
        context = {
            "part": part,
            "security": whole["security"],
            "name": f"{setup.SETUP}-{number}",
            "labels": {**self.labels, cluster_labels.LABEL_ROLE: setup.SETUP},
            "deadline": self.spec.setup.timeout + MARGIN,
            "command": [*setup.SHELL, command.run],
        }
        [manifest] = read(rendering.built_in("setup", context))
        return manifest.body
