"""Reads whose code a pull request brings: who may push to its fork, and whether its approvals still count."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.core import markers
from bot.core.admission import helping, keys, permissions, trust
from bot.core.admission.permissions import Person, Policy, Rule
from bot.core.language.command import AnyCommand
from bot.engine.deciding.cache import BriefCache
from bot.engine.deciding.config_reader import ConfigReader
from bot.engine.records import Records
from bot.model.approval import Approval, Distrust, Revocation
from bot.model.errors import RetryLater
from bot.model.forge import Comment, Permission, PullRequest
from bot.model.reason import Reason
from bot.ports import Forge


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether the latest commit is trusted, and why."""

    distrust: Distrust | None
    """Why it needs an approval; None if only people with write access can have pushed it."""
    approvals: tuple[Approval, ...]
    """Those that still count, as far as they were checked."""
    revoked: tuple[Revocation, ...]
    """Those that turned out not to count any more."""
    trusted: bool


@dataclass(frozen=True, slots=True)
class TrustReader:
    """Reads what trust depends on. Raises what the forge and the store raise."""

    forge: Forge
    records: Records
    commands: tuple[AnyCommand, ...]
    policy: Policy
    config: ConfigReader
    others: BriefCache[Mapping[str, Permission] | None]
    """The permissions in the base repository of everyone but the author who may push to a fork."""
    trust_namespaces: bool = False
    """Whether a fork in its author's own namespace counts as the author's even if others may push to it."""

    async def read(self, pull: PullRequest, *, check: Collection[int] = ()) -> Trust:
        """Return whether the head is trusted.

        The approval that this depends on is checked at Gitee, and so are those given in the comments `check`.
        """
        distrust, approvals = await asyncio.gather(
            self._distrust(pull), self.records.pulls.approvals(pull.repo, pull.number)
        )
        if distrust is not None:
            distrust = helping.with_approvers(distrust, self._approvers(pull))
        needed = [one for one in approvals if distrust is not None and trust.covers(one, pull)]
        checked = [one for one in approvals if one in needed or one.comment in check]
        revoked = await self._revoked(pull, checked)
        gone = {one.approval for one in revoked}
        return Trust(
            distrust=distrust,
            approvals=tuple(one for one in approvals if one not in gone),
            revoked=revoked,
            trusted=distrust is None or any(one not in gone for one in needed),
        )

    async def announced(self, pull: PullRequest, comment: Comment) -> bool:
        """Return whether the bot requested an approval of this head, and of nothing else, before the comment.

        If there was another head, even one that nothing was to be run for, the person may have reviewed that.
        """
        requests = await self.records.pulls.requests(pull.repo, pull.number)
        marker = markers.request(pull.head.sha, pull.base.ref).key
        if set(requests) != {marker} or not requests[marker]:
            return False
        if not await self.records.inbox.only_head(pull.repo, pull.number, pull.head.sha):
            return False
        return trust.announced(await self.forge.comment(pull.repo, requests[marker]), comment)

    async def _distrust(self, pull: PullRequest) -> Distrust | None:
        author = await self.forge.permission(pull.repo, pull.author)
        if not trust.may_be_own(pull, author):
            return trust.distrust(pull, author, None)
        # The commit is part of the key: someone who has just become a collaborator may have pushed it.
        key = (str(pull.repo).lower(), str(pull.head.repo).lower(), pull.head.sha)
        others = {} if self.trust_namespaces else await self.others.get(key, lambda: self._read_others(pull))
        return trust.distrust(pull, author, others)

    async def _read_others(self, pull: PullRequest) -> Mapping[str, Permission] | None:
        """Return the permissions in the base repository of those who may push to the fork, but its author."""
        fork = pull.head.repo
        pushers = None if fork is None else await self.forge.pushers(fork)
        if pushers is None:
            return None
        logins = sorted(login for login in pushers if not trust.same_person(login, pull.author))
        asked = logins[: trust.MOST_OTHERS]
        found = await asyncio.gather(*(self.forge.permission(pull.repo, login) for login in asked))
        return dict.fromkeys(logins, Permission.NONE) | dict(zip(asked, found, strict=True))

    async def _revoked(self, pull: PullRequest, approvals: Sequence[Approval]) -> tuple[Revocation, ...]:
        found = await asyncio.gather(*(self._revocation(pull, one) for one in approvals))
        revoked = tuple(one for one in found if one is not None)
        if revoked and await self.forge.pull_request(pull.repo, pull.number) is None:
            # Everything is 404 while the bot has no access; that revokes nothing.
            facts = {"message": "the bot may not see the pull request any more"}
            raise RetryLater(Reason.GITEE_UNAVAILABLE, facts)
        return revoked

    async def _revocation(self, pull: PullRequest, approval: Approval) -> Revocation | None:
        comment, permission = await asyncio.gather(
            self.forge.comment(pull.repo, approval.comment),
            self.forge.permission(pull.repo, approval.actor),
        )
        digest = keys.body_digest(comment.body) if comment is not None else ""
        may_approve = await self._may_approve(pull, approval.actor, permission)
        return trust.revocation(approval, comment, digest, may_approve=may_approve)

    def _approvers(self, pull: PullRequest) -> Rule:
        """Return who may approve commits."""
        rules = (self.policy.rule(one, pull.repo) for one in self.commands if one.approves)
        return next(rules, Rule())

    async def _may_approve(self, pull: PullRequest, actor: str, permission: Permission) -> bool:
        rule = self._approvers(pull)
        owners = await self.config.owners(pull) if rule.owners else ()
        person = Person(actor, permission, is_owner=permissions.is_among(actor, owners))
        return permissions.fits(rule, person, trusted=False)
