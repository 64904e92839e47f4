"""The approvals of pull requests, within transactions."""

from typing import Any

from sqlalchemy import Connection, Row, delete, select

from bot.model.approval import Approval
from bot.model.forge import RepoPath
from bot.store.dialects import aware, upsert
from bot.store.schema import approvals


def of(connection: Connection, repo: RepoPath, number: int) -> tuple[Approval, ...]:
    """Return the approvals of a pull request, oldest first."""
    here = (approvals.c.repo == str(repo)) & (approvals.c.number == number)
    found = connection.execute(select(approvals).where(here).order_by(approvals.c.approved_at))
    return tuple(_approval(row) for row in found)


def approve(connection: Connection, repo: RepoPath, number: int, approval: Approval) -> None:
    """Trust a commit for a base branch, in the transaction of the decision."""
    row = {"repo": str(repo), "number": number, "sha": approval.sha, "base": approval.base}
    rest = {
        "actor": approval.actor,
        "approved_at": approval.at,
        "comment_id": approval.comment,
        "comment_url": approval.url,
        "body_digest": approval.digest,
    }
    upsert(connection, approvals, row, rest)


def revoke(connection: Connection, repo: RepoPath, number: int, approval: Approval) -> None:
    """Delete an approval, unless the commit has been approved again in another comment."""
    statement = delete(approvals).where(
        approvals.c.repo == str(repo),
        approvals.c.number == number,
        approvals.c.sha == approval.sha,
        approvals.c.base == approval.base,
        approvals.c.comment_id == approval.comment,
    )
    connection.execute(statement)


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        sha=row.sha,
        base=row.base,
        actor=row.actor,
        at=aware(row.approved_at),
        comment=row.comment_id,
        url=row.comment_url,
        digest=row.body_digest,
    )
