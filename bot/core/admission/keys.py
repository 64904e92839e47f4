"""The keys of deliveries: made of an event's own fields, so that it has one key however it is found."""

import hashlib
import json
from datetime import UTC, datetime

from bot.model.delivery import Trigger
from bot.model.forge import RepoPath


def of_pull_event(repo: RepoPath, number: int, trigger: Trigger, sha: str | None, occasion: str) -> str:
    """Return the key of something that happened to a pull request.

    `occasion` tells events on one commit apart: a branch can move back, a pull request be reopened again and
    again. It is the pull request's time of change, on which two hooks that report one event agree. An `open`
    needs none: the three that creation sends are one event.
    """
    return _key(repo, number, trigger, sha, *(() if trigger is Trigger.OPEN else (_moment(occasion),)))


def of_comment(repo: RepoPath, number: int, comment_id: int) -> str:
    """Return the key of a new comment."""
    return _key(repo, number, Trigger.COMMENT, comment_id)


def body_digest(body: str) -> str:
    """Return by what the words of a comment are recognised."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def _key(repo: RepoPath, *fields: object) -> str:
    """Hash the event's own fields; paths are case-insensitive at Gitee."""
    told = json.dumps([str(repo).lower(), *(str(field) for field in fields)])
    return hashlib.sha256(told.encode()).hexdigest()


def _moment(text: str) -> str:
    """Return a time in one spelling, whatever its zone; what is no time stays as it is."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text
