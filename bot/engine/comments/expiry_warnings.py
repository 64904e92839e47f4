"""Warns people before an environment is torn down, once for each time at which it would be.

The store remembers the warnings, so a restart neither repeats nor forgets one; an extension moves the expiry,
which calls for a new warning.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.core import markers
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
    """Publishes a short comment for each environment that expires soon."""

    records: Records
    publisher: CommentPublisher
    addresses: Addresses
    clock: Clock
    language: Language
    warning_time: timedelta
    """How long before the expiry people are warned."""

    async def reconcile(self) -> None:
        """Submit the warnings that are due."""
        unfinished = await self.records.runs.unfinished()
        found = await self.records.pulls.environments()
        for one in expiry.to_warn(found, unfinished, self.clock.now(), self.warning_time):
            self.publisher.submit(f"expiry of {one.key}", partial(self.publish, one.key))

    async def publish(self, key: EnvironmentKey) -> None:
        """Publish the warning for one environment, if it is still due, and record it."""
        found = await self.records.pulls.environments(key.repo, key.number)
        for one in expiry.to_warn(found, (), self.clock.now(), self.warning_time):
            if one.key == key:
                writer = self.records.pulls.writer(self.publisher.lease())
                await self.publisher.publish(await self._update(one))
                await writer.change(key.repo, key.number, partial(_warned, one))

    async def _update(self, environment: Environment) -> CommentUpdate:
        key = environment.key
        deployed = await self.records.runs.run(environment.run)
        recipient = (deployed.origin.actor or deployed.author) if deployed else ""
        line = showing.environment_line(environment, self.addresses, self.clock.now(), self.warning_time)
        # One marker for each expiry: the warning is one comment, whichever replica publishes it.
        marker = markers.of_environment("expiring", key.name, int(environment.expires_at.timestamp()))
        language = deployed.language if deployed else self.language
        return CommentUpdate(key.repo, key.number, marker, Expiring(recipient, line), language)


def _warned(warned: Environment, known: Environment) -> Environment:
    same = known.key == warned.key and known.expires_at == warned.expires_at
    return replace(known, warned=warned.expires_at) if same else known
