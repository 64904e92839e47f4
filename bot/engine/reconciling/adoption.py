"""Adopts environments that the store does not know: its file was lost, or an older backup was restored."""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.auditing import own_acts
from bot.core.reconciling import adoption
from bot.core.reconciling.orphans import Pull, in_order
from bot.engine.reconciling.repairs import Repair, Repaired
from bot.engine.records import PullWriter, Records
from bot.model.audit import AuditActor
from bot.model.environment import EnvironmentKey
from bot.model.errors import ChatOpsError
from bot.model.forge import PullRequest, PullState, RepoPath
from bot.model.inventory import Item
from bot.model.observed import ObservedState
from bot.model.pipeline import RunnerName
from bot.ports import Clock, Forge, Platform

logger = logging.getLogger(__name__)

MAX_REQUESTS = 20
"""Pull requests that one sweep asks Gitee about."""
ASK_AGAIN = timedelta(hours=1)
"""After which Gitee is asked again about a pull request whose environment cannot be adopted."""


@dataclass(slots=True)
class Adoption:
    """Makes the records of environments that are found at their runners."""

    forge: Forge
    records: Records
    platforms: Mapping[RunnerName, Platform]
    clock: Clock
    serves: Callable[[RepoPath], bool]
    repaired: Repaired
    writer: Callable[[], PullWriter]
    """Returns the writer of this replica, or of an operator. Raises LeaseLost."""
    lifetime: timedelta
    """Lifetime of what does not say when it expires."""
    actor: AuditActor = field(default_factory=AuditActor)
    suspendable: frozenset[RunnerName] = frozenset()
    """Runners whose environments are scaled to zero when idle."""
    _requests_left: int = 0
    _pulls: dict[Pull, PullRequest | None] = field(default_factory=dict)
    """What this sweep knows of pull requests; None for those that the bot cannot see."""
    _kept: dict[Pull, datetime] = field(default_factory=dict)
    """When Gitee was last asked about pull requests whose environments stay as they are."""

    async def adopt(self, found: Mapping[RunnerName, Sequence[Item]]) -> dict[RunnerName, tuple[Item, ...]]:
        """Adopt what belongs to open pull requests; return what is to be removed.

        That is what belongs to closed or merged ones, and what cannot be adopted and has expired.
        """
        self._requests_left, self._pulls = MAX_REQUESTS, {}
        since = self.clock.now() - ASK_AGAIN
        self._kept = {pull: asked for pull, asked in self._kept.items() if asked > since}
        removed: dict[RunnerName, tuple[Item, ...]] = {}
        for runner, items in found.items():
            over: list[Item] = []
            for key, parts in sorted(_by_environment(items).items()):
                try:
                    if await self._ask((key.repo, key.number)):
                        over += await self._decided(runner, key, parts)
                except ChatOpsError as error:
                    logger.warning("sweep: %s is not adopted this time: %s", _name(key), error)
            removed[runner] = in_order(over)
        return removed

    async def _ask(self, pull: Pull) -> bool:
        """Ask Gitee about a pull request, unless that is known; False if only the next sweep can ask."""
        if pull in self._pulls:
            return True
        if not self.serves(pull[0]) or pull in self._kept:
            self._pulls[pull] = None
            return True
        if not self._requests_left:
            return False
        self._requests_left -= 1
        self._pulls[pull] = await self.forge.pull_request(*pull)
        return True

    async def _decided(
        self, runner: RunnerName, key: EnvironmentKey, parts: Sequence[Item]
    ) -> Sequence[Item]:
        """Adopt one environment if that is possible; return its parts if they are to be removed."""
        now, pull = self.clock.now(), self._pulls[key.repo, key.number]
        if pull is not None and pull.state is not PullState.OPEN:
            await self._observe(pull)
            logger.warning("sweep: %s: %s removes it: its pull request is %s", _name(key), runner, pull.state)
            return parts
        if pull is not None and await self._adopted(runner, key, parts):
            await self._observe(pull)
            return ()
        self._kept.setdefault((key.repo, key.number), now)
        if adoption.overdue(parts, self.lifetime, now):
            logger.warning(
                "sweep: %s: it cannot be adopted, and has expired: %s removes it", _name(key), runner
            )
            return parts
        return ()

    async def _adopted(self, runner: RunnerName, key: EnvironmentKey, parts: Sequence[Item]) -> bool:
        endpoint = await self.platforms[runner].endpoint(key) if key.name else None
        if endpoint is None:
            return False
        environment = adoption.environment(
            parts,
            endpoint,
            runner,
            self.clock.now(),
            self.lifetime,
            suspendable=runner in self.suspendable,
        )
        record = own_acts.adopted(environment, self.actor, self.clock.now())
        if await self.writer().adopt(environment, adoption.hosts(key, parts), record):
            self.repaired(Repair.ADOPTION)
            logger.warning("sweep: %s: adopted from %s, which this store did not know", _name(key), runner)
        return True

    async def _observe(self, pull: PullRequest) -> None:
        """Store the state of a pull request, with which later events are compared."""
        seen = ObservedState(self.clock.now(), pull.head.sha, pull.state, pull.updated_at)
        await self.records.observed.record(pull.repo, pull.number, seen)


def _by_environment(items: Sequence[Item]) -> Mapping[EnvironmentKey, Sequence[Item]]:
    found: defaultdict[EnvironmentKey, list[Item]] = defaultdict(list)
    for item in items:
        found[item.key].append(item)
    return found


def _name(key: EnvironmentKey) -> str:
    return f"{key.repo}!{key.number} {key.name}"
