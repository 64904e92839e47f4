"""Stops a job in Jenkins: cancels its queue item, or asks the build to `stop`, `term` and `kill` in turn.

Only pipelines support the latter two: https://www.jenkins.io/doc/book/using/aborting-a-build/
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.model.errors import ChatOpsError, RetryLater
from bot.ports import Log
from bot.runners.jenkins import paths, responses
from bot.runners.jenkins.build_finder import BuildFinder
from bot.runners.jenkins.build_location import BuildLocation
from bot.runners.jenkins.client import JenkinsClient
from bot.runners.jenkins.errors import unavailable

ACTIONS = ("stop", "term", "kill")
PAUSE = 1.0
GRACE = 10
"""Pauses after each action before the next one."""
TRIES = 5
"""Attempts while Jenkins does not answer."""


@dataclass(frozen=True, slots=True)
class BuildStopper:
    """Stops the job of one order."""

    client: JenkinsClient
    finder: BuildFinder
    log: Log
    sleep: Callable[[float], Awaitable[None]]

    async def stop(self, location: BuildLocation | None) -> bool:
        """Stop the job and wait until it is gone. If that fails, write a note and return False."""
        problem = ""
        for _ in range(TRIES):
            try:
                # A start without a response may have happened.
                location = location or await self.finder.find()
                if location is None or await self._gone(location):
                    return True
                problem = "it ignores stop, term and kill"
                break
            except ChatOpsError as error:
                problem = error.facts.get("message", str(error.reason))
                await self.sleep(PAUSE)
        self.log.note(f"could not be stopped in Jenkins: {problem}")
        return False

    async def _gone(self, location: BuildLocation) -> bool:
        if location.build is None:
            number = await self._out_of_queue(location.item or 0)
            if number is None:
                return True
            location = replace(location, build=number)
        return await self._ended(location.build or 0)

    async def _out_of_queue(self, item: int) -> int | None:
        """Cancel a queue item; return the build's number if it has become one in the meantime."""
        with suppress(RetryLater):  # Jenkins also fails for an item that has just left the queue
            await self.client.post(f"/queue/cancelItem?id={item}")
        data = await self.client.json(f"/queue/item/{item}", responses.ITEM_TREE)
        if data is None:
            location = await self.finder.find()
            return location.build if location else None
        found = responses.item(data)
        if found.build is None and not found.cancelled:
            raise unavailable(f"queue item {item} is still there")
        self.log.note("removed from Jenkins' queue" if found.cancelled else "it has left the queue")
        return found.build

    async def _ended(self, number: int) -> bool:
        name = self.finder.order.name
        path = paths.build(name, number)
        for action in ACTIONS:
            # Freestyle builds answer 404 to actions that only pipelines support.
            if await self.client.post(f"{path}/{action}", job=name) is None and action == ACTIONS[0]:
                return True
            self.log.note(f"asked build #{number} to {action}")
            for _ in range(GRACE):
                data = await self.client.json(path, responses.BUILD_TREE, job=name)
                if data is None or not responses.build(data).building:
                    return True
                await self.sleep(PAUSE)
        return False
