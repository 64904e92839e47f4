"""The audit records of what the bot, or an operator at its command line, does without a delivery."""

from dataclasses import replace
from datetime import datetime

from bot.core.auditing.decisions import short
from bot.model.audit import AuditActor, AuditCause, AuditRecord
from bot.model.environment import Environment
from bot.model.forge import RepoPath
from bot.model.inventory import Item
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.model.run import Run

LONGEST_NAME = 200
"""Characters of what something is called at its runner."""


def expired(environment: Environment, run: Run) -> AuditRecord:
    """Return the record of a run, not stored yet, that removes an expired environment."""
    record = _of(environment, AuditActor(AuditCause.EXPIRE), run.created_at, "teardown")
    return replace(record, runs=(0,))


def failed(environment: Environment, reason: Reason, actor: AuditActor, at: datetime) -> AuditRecord:
    """Return the record of an environment that is marked as failed, because it is gone or is removed now."""
    return replace(_of(environment, actor, at, "fail"), reason=reason)


def removed(environment: Environment, actor: AuditActor, at: datetime) -> AuditRecord:
    """Return the record of an environment whose teardown failed, and that is removed now."""
    return _of(environment, actor, at, "remove")


def adopted(environment: Environment, actor: AuditActor, at: datetime) -> AuditRecord:
    """Return the record of an environment that was found at its runner."""
    return _of(environment, actor, at, "adopt")


def item_removed(item: Item, runner: RunnerName, actor: AuditActor, at: datetime) -> AuditRecord:
    """Return the record of an orphan that was removed from its runner."""
    details = short(f"{runner} {item.kind} {item.name}", LONGEST_NAME)
    return replace(_by(actor, item.repo, item.number, at), action="remove", details=details, sha=item.sha)


def tags_removed(repo: RepoPath, number: int, count: int, actor: AuditActor, at: datetime) -> AuditRecord:
    """Return the record of orphaned tags that were removed from the registry."""
    details = f"{count} registry tags"
    return replace(_by(actor, repo, number, at), action="remove", details=details)


def _of(environment: Environment, actor: AuditActor, at: datetime, action: str) -> AuditRecord:
    key = environment.key
    record = _by(actor, key.repo, key.number, at)
    return replace(record, action=action, details=f"environment {key.name}", sha=environment.sha)


def _by(actor: AuditActor, repo: RepoPath, number: int, at: datetime) -> AuditRecord:
    return AuditRecord(at, repo, number, actor.cause, who=actor.who)
