"""Takes up again what was given up because the bot's account was not yet a member of the repository."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.reconciling import missed_events
from bot.engine.records import Records
from bot.model.forge import RepoPath
from bot.ports import Clock, Forge

MOST = 5
"""Repositories that are asked for at once: a forged delivery can name any of those that are served."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GivenUpDeliveries:
    """Checks whether repositories have become visible; the sweep recovers what has other causes."""

    forge: Forge
    records: Records
    clock: Clock
    serves: Callable[[RepoPath], bool]
    wake: Callable[[], None]
    """Wakes the dispatcher."""
    _asked: dict[RepoPath, datetime] = field(default_factory=dict)
    """When Gitee was last asked for a repository."""

    async def reconcile(self) -> None:
        """Ask Gitee for some of these repositories, the least recently asked ones first.

        Raises what the forge and the store raise.
        """
        now = self.clock.now()
        since = now - missed_events.FRESH
        waiting = [one for one in await self.records.given_up.invisible(since) if self.serves(one)]
        for repo in sorted(waiting, key=lambda one: (one in self._asked, self._asked.get(one), one))[:MOST]:
            self._asked[repo] = now
            if await self.forge.default_branch(repo):
                count = await self.records.given_up.resume(repo, since, now)
                logger.warning("%s is visible now: %s deliveries that were given up are decided", repo, count)
                self._asked.pop(repo)
                self.wake()
        for repo in self._asked.keys() - waiting:
            del self._asked[repo]
