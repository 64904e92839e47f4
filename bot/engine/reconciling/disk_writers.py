"""Stops containers that write too much to the disk, and says so in a comment."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from bot.core import markers
from bot.core.auditing import own_acts
from bot.core.runs import disk_space
from bot.engine.comments.publisher import CommentPublisher, CommentUpdate
from bot.engine.records import Records
from bot.engine.running.disk_space import DiskSpace
from bot.model.audit import AuditActor, AuditCause
from bot.model.disk import Written
from bot.model.environment import Environment, EnvironmentState, Outage
from bot.model.holder import LAST, Holder
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.model.text import Language
from bot.model.views import Message
from bot.ports import Clock, Disks, Platform
from bot.words import quantities

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DiskWriters:
    """Watches the containers of the platforms that write to a disk."""

    records: Records
    publisher: CommentPublisher
    platforms: Mapping[RunnerName, Platform]
    disks: Mapping[RunnerName, Disks]
    space: DiskSpace
    clock: Clock
    language: Language
    most: int
    """Bytes that one container may write."""

    async def reconcile(self) -> None:
        """Stop the containers that wrote more, and while the disk is full also the largest environments."""
        for runner, disks in self.disks.items():
            for written in disk_space.to_stop(await disks.written(), self.most, self.space.missing(runner)):
                await self._stop(runner, disks, written)

    async def _stop(self, runner: RunnerName, disks: Disks, written: Written) -> None:
        """Stop a container. If a run waits for it, the run says why; otherwise remove its environment.

        What a run has left beside a deployment that answers is only stopped.
        """
        key = written.key
        what = f"{key.repo}!{key.number}: {written.part} of {key.name} wrote {quantities.size(written.size)}"
        active = {(entry.repo, entry.number) for entry in await self.records.runs.queue() if entry.held}
        known = await self.records.pulls.environments(key.repo, key.number)
        found = [one for one in known if one.key == key and one.state.deployed]
        beside = any(0 < written.run != one.run > 0 for one in found)
        if written.tests or beside or (key.repo, key.number) in active:
            if await disks.kill(written.id):
                logger.warning("%s to the disk and was killed", what)
            return
        logger.warning("%s to the disk: the environment is removed", what)
        writer = self.records.pulls.writer(self.publisher.lease())
        size, limit = quantities.size(written.size), quantities.size(self.most)
        facts = {"size": size, "limit": limit if written.size > self.most else ""}
        for environment in found:
            why = Outage(Reason.DISK_EXCEEDED, self.clock.now(), {"name": written.part, **facts})
            actor = AuditActor(AuditCause.DISK)
            record = own_acts.failed(environment, why.reason, actor, why.since)
            await writer.change(key.repo, key.number, partial(_removed, environment, why), record)
            update = await self._update(environment, {"part": written.part, **facts})
            self.publisher.submit(f"disk of {key}", partial(self.publisher.publish, update))
        await self.platforms[runner].remove(key, Holder(written.run, LAST))

    async def _update(self, environment: Environment, facts: Mapping[str, str]) -> CommentUpdate:
        key = environment.key
        deployed = await self.records.runs.run(environment.run)
        recipient = (deployed.origin.actor or deployed.author) if deployed else ""
        view = Message("disk_exceeded", {"recipient": recipient, "environment": key.name, **facts})
        # One comment for each deployment, whichever replica publishes it.
        marker = markers.of_environment("disk", key.name, environment.run)
        language = deployed.language if deployed else self.language
        return CommentUpdate(key.repo, key.number, marker, view, language)


def _removed(found: Environment, why: Outage, known: Environment) -> Environment:
    gone = replace(found, state=EnvironmentState.FAILED, endpoint=None, outage=why)
    return gone if known == found else known
