"""Finds approvals whose comments were deleted or edited without a webhook, of commits that run."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.core.admission import keys
from bot.engine.reconciling.repairs import Repair, Repaired
from bot.engine.records import Records
from bot.model.approval import Approval
from bot.model.delivery import Delivery, Trigger
from bot.model.errors import GiveUp
from bot.model.forge import RepoPath
from bot.ports import Clock, Forge

logger = logging.getLogger(__name__)

MOST = 100
"""Comments that one sweep reads."""


@dataclass(slots=True)
class ApprovalReconciler:
    """Checks the approvals of commits that run or are deployed; others are checked when they are needed."""

    forge: Forge
    records: Records
    clock: Clock
    accept: Callable[[Delivery], Awaitable[bool]]
    """Puts a delivery into the inbox. Returns False if it was already decided."""
    repaired: Repaired
    _next: int = 0

    async def reconcile(self) -> None:
        """Have the revoked approvals decided. Raises RetryLater while Gitee or the store is unavailable."""
        found = [
            (repo, number, one)
            for repo, number, shas in await self._running()
            for one in await self.records.pulls.approvals(repo, number)
            if one.sha in shas
        ]
        begin = self._next if self._next < len(found) else 0
        self._next = begin + MOST
        for repo, number, approval in found[begin : self._next]:
            try:
                await self._check(repo, number, approval)
            except GiveUp as error:
                logger.warning("sweep: the approvals of %s are not checked: %s", repo, error)

    async def _running(self) -> list[tuple[RepoPath, int, set[str]]]:
        """Return the commits that run or are deployed, by pull request."""
        running: dict[tuple[RepoPath, int], set[str]] = {}
        for environment in await self.records.pulls.environments():
            where = environment.key.repo, environment.key.number
            running.setdefault(where, set()).add(environment.sha)
        for run in await self.records.runs.unfinished():
            running.setdefault((run.repo, run.number), set()).add(run.sha)
        return [(repo, number, shas) for (repo, number), shas in sorted(running.items())]

    async def _check(self, repo: RepoPath, number: int, approval: Approval) -> None:
        comment = await self.forge.comment(repo, approval.comment)
        if comment is not None and keys.body_digest(comment.body) == approval.digest:
            return
        if await self.forge.pull_request(repo, number) is None:
            return  # Everything is 404 while the bot has no access; that revokes nothing.
        key = keys.of_revocation(repo, number, approval.comment)
        now = self.clock.now()
        if await self.accept(
            Delivery(key, Trigger.REVOCATION, repo, number, now, comment_id=approval.comment, found=True)
        ):
            self.repaired(Repair.APPROVAL)
            logger.warning("sweep: %s!%s: an approval was revoked without a webhook", repo, number)
