"""Keys of deliveries: an event has the same key however it is found, as the key is made of its fields."""

import hashlib
import json
from datetime import UTC, datetime

from bot.model.delivery import Trigger
from bot.model.forge import RepoPath


def of_pull_event(repo: RepoPath, number: int, trigger: Trigger, sha: str | None, updated_at: str) -> str:
    """Return the key of an event of a pull request.

    `updated_at`, the pull request's time of change, distinguishes events on the same commit: a branch can
    move back, and a pull request can be reopened several times. Two hooks that report one event agree on
    it. The key of an `open` leaves it out: the three webhooks that a creation sends are one event.
    """
    return _key(repo, number, trigger, sha, *(() if trigger is Trigger.OPEN else (_moment(updated_at),)))


def of_comment(repo: RepoPath, number: int, comment_id: int) -> str:
    """Return the key of a new comment."""
    return _key(repo, number, Trigger.COMMENT, comment_id)


def of_revocation(repo: RepoPath, number: int, comment_id: int) -> str:
    """Return the key of the end of a comment."""
    return _key(repo, number, Trigger.REVOCATION, comment_id)


def body_digest(body: str) -> str:
    """Return the hash by which the text of a comment is recognized."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def _key(repo: RepoPath, *fields: object) -> str:
    """Hash the event's own fields; paths are case-insensitive at Gitee."""
    text = json.dumps([str(repo).lower(), *(str(field) for field in fields)])
    return hashlib.sha256(text.encode()).hexdigest()


def _moment(text: str) -> str:
    """Return a time in UTC and in one format; text that is not a time is returned unchanged."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text
