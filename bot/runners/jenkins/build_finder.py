"""Finds the job with a given key in Jenkins, or starts it: once, however often this is called."""

from dataclasses import dataclass

from bot.model.errors import GiveUp, TellUser
from bot.model.reason import Reason
from bot.ports import JobOrder
from bot.runners.jenkins import paths, responses
from bot.runners.jenkins.build_location import BuildLocation
from bot.runners.jenkins.build_location import read as read_handle
from bot.runners.jenkins.client import JenkinsClient
from bot.runners.jenkins.errors import unavailable


@dataclass(frozen=True, slots=True)
class BuildFinder:
    """Finds or starts the job of one order."""

    client: JenkinsClient
    order: JobOrder

    async def find_or_start(self) -> BuildLocation:
        """Return the job's location; start it if it never was started. Raises as `Jobs.run` does."""
        found, job = await self._find()
        if found is not None:
            return found
        if read_handle(self.order.handle, self.order.key) is not None:
            # It existed before: a job that disappeared may have run, so it is not started again.
            raise GiveUp(Reason.JENKINS_LOST, {"job": self.order.name})
        return await self._trigger(job)

    async def find(self) -> BuildLocation | None:
        """Return the job's location, or None if it is neither queued nor built."""
        return (await self._find())[0]

    async def _find(self) -> tuple[BuildLocation | None, responses.JenkinsJob]:
        # Read the queue before the builds: an item that leaves it in between is then among the builds.
        waiting = await self.client.json("/queue", responses.QUEUE_TREE)
        if waiting is None:
            raise unavailable("the server that answers is not Jenkins")
        item = responses.queued(waiting, self.order.key)
        if item is not None:
            return BuildLocation(item), await self._job()
        job = await self._job()
        known = read_handle(self.order.handle, self.order.key)
        number = job.builds.get(self.order.key)
        if number is None and known is not None:
            number = known.build or job.queued.get(known.item or 0)
        if number is None:
            return None, job
        offset = known.offset if known is not None and known.build == number else 0
        return BuildLocation(known.item if known else None, number, offset), job

    async def _job(self) -> responses.JenkinsJob:
        name = self.order.name
        data = await self.client.json(paths.job(name), responses.JOB_TREE, job=name)
        if data is None:
            # A proxy may answer 404 too, while Jenkins is unavailable.
            if await self.client.json("", "mode") is None:
                raise unavailable("the server that answers is not Jenkins")
            raise TellUser(Reason.JENKINS_JOB_UNKNOWN, {"job": name})
        return responses.job(data)

    async def _trigger(self, job: responses.JenkinsJob) -> BuildLocation:
        name = self.order.name
        if not job.buildable:
            raise TellUser(Reason.JENKINS_JOB_DISABLED, {"job": name})
        missing = (self.order.required | {responses.KEY}) - job.parameters
        if missing:
            facts = {"job": name, "parameters": ", ".join(sorted(missing))}
            raise TellUser(Reason.JENKINS_PARAMETERS, facts)
        values = {**self.order.parameters, responses.KEY: self.order.key}
        accepted = await self.client.post(f"{paths.job(name)}/buildWithParameters", values, job=name)
        if accepted is None:
            raise TellUser(Reason.JENKINS_JOB_UNKNOWN, {"job": name})
        item = paths.queue_item(accepted.location)
        if item is None:
            # The job may have started nevertheless: the next attempt looks for it first.
            raise unavailable(f"the response to starting {name} names no queue item")
        return BuildLocation(item)
