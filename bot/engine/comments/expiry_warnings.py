"""Tells people before an environment is taken down, once for each time at which that would happen.

The store remembers what was told, so that a restart neither repeats nor forgets it; an extension moves the
end, and thereby asks for a word of its own.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.core import naming
from bot.core.environments import expiry
from bot.core.results import showing
from bot.engine.comments.publisher import CommentPublisher, CommentUpdate
from bot.engine.records import Records
from bot.model.addresses import Addresses
from bot.model.environment import Environment, EnvironmentKey
from bot.model.text import Language
from bot.model.views import Expiring
from bot.ports import Clock


@dataclass(frozen=True, slots=True)
class ExpiryWarnings:
    """Posts a short comment for each environment whose end is near."""

    records: Records
    publisher: CommentPublisher
    addresses: Addresses
    clock: Clock
    language: Language
    ahead: timedelta

    async def reconcile(self) -> None:
        """Begin to tell what is due; a Gitee that is away holds up nothing else."""
        unfinished = await self.records.runs.unfinished()
        found = await self.records.pulls.environments()
        for one in expiry.to_warn(found, unfinished, self.clock.now(), self.ahead):
            self.publisher.follow(f"end of {one.key}", partial(self._tell, one.key))

    async def _tell(self, key: EnvironmentKey) -> None:
        """Tell of one end, if it is still to be told by the time that Gitee listens."""
        found = await self.records.pulls.environments(key.repo, key.number)
        for one in expiry.to_warn(found, (), self.clock.now(), self.ahead):
            if one.key == key:
                await self.publisher.post(await self._posting(one))
                await self.records.pulls.change(key.repo, key.number, partial(_told, one))

    async def _posting(self, environment: Environment) -> CommentUpdate:
        key = environment.key
        deployed = await self.records.runs.run(environment.run)
        recipient = (deployed.origin.actor or deployed.author) if deployed else ""
        line = showing.environment_line(environment, self.addresses, self.clock.now(), self.ahead)
        # The marker is what makes it one comment, whoever posts it and however often.
        marker = naming.comment_marker("expiring", f"{key.name}-{int(environment.expires_at.timestamp())}")
        language = deployed.language if deployed else self.language
        return CommentUpdate(key.repo, key.number, marker, Expiring(recipient, line), language)


def _told(told: Environment, known: Environment) -> Environment:
    same = known.key == told.key and known.expires_at == told.expires_at
    return replace(known, warned=told.expires_at) if same else known
