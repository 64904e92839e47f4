"""Reads webhooks as Deliveries, in every format that Gitee has used since 2020. Pure.

Nothing in a webhook is trusted: it only says which pull request to read from the API. No part of a body is
kept that could contain a password or an e-mail address.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.admission import keys
from bot.gitee.decoding import decode
from bot.gitee.paths import is_name, is_sha, repo_path
from bot.model.delivery import Delivery, Trigger
from bot.model.forge import RepoPath

PULL_EVENT = "merge_request_hooks"
NOTE_EVENT = "note_hooks"

_EVENTS = {
    "merge request hook": PULL_EVENT,
    "note hook": NOTE_EVENT,
    "push hook": "push_hooks",
    "tag push hook": "tag_push_hooks",
    "issue hook": "issue_hooks",
    "pipeline hook": "pipeline_hooks",
}
_TRIGGERS = {
    "open": Trigger.OPEN,
    "update": Trigger.UPDATE,
    "close": Trigger.CLOSE,
    "merge": Trigger.MERGE,
    "reopen": Trigger.REOPEN,
}
_MOVED = "source_branch_changed"
_MATTERS = {"", _MOVED, "target_branch_changed"}
"""Descriptions of an update that may change what runs; an approval is for one base branch."""
_MAY_MATTER = ("draft", "title")
"""Parts of others: it is not documented how Gitee describes a draft that is marked as ready."""
_LARGEST = 2**63 - 1
_LARGEST_NUMBER = 2**31 - 1
"""Of pull requests; the database's integers have 32 bits."""


class MalformedDeliveryError(ValueError):
    """The body is not a webhook of Gitee; the sender gets a 400 with this message."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A valid delivery that needs no action; `why` is one of a few fixed words, usable as a metric label."""

    why: str


def read(headers: Mapping[str, str], body: bytes, received_at: datetime) -> Delivery | Ignored:
    """Read one webhook. Raises MalformedDeliveryError."""
    known = {name.lower(): value for name, value in headers.items()}
    payload = _object(body)
    if known.get("x-gitee-ping", "").lower() == "true":
        return Ignored("ping")
    event = _event(known, payload)
    if event == PULL_EVENT:
        return _pull_event(payload, received_at)
    if event == NOTE_EVENT:
        return _note_event(payload, received_at)
    return Ignored("other_event")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        payload = decode(body)
    except (ValueError, RecursionError) as error:
        raise MalformedDeliveryError("the body is not JSON") from error
    if not isinstance(payload, Mapping):
        raise MalformedDeliveryError("the body is not a JSON object")
    return payload


def _event(headers: Mapping[str, str], payload: Mapping[str, Any]) -> str:
    """Return the event's hook name, which is in one of two headers, or in old versions only in the body."""
    names = (headers.get("x-gitee-event"), headers.get("x-git-oschina-event"), payload.get("hook_name"))
    first = next((name for name in names if isinstance(name, str) and name), "")
    name = first.strip().lower()
    return _EVENTS.get(name, name)


def _pull_event(payload: Mapping[str, Any], received_at: datetime) -> Delivery | Ignored:
    trigger = _TRIGGERS.get(_text(payload, "action"))
    if trigger is None:
        return Ignored("other_action")
    described = _text(payload, "action_desc")
    # Creating a pull request sends `open` three times, twice for its reviewers and testers.
    if trigger is Trigger.OPEN and described in {"test", "assign"}:
        return Ignored("open_again")
    # Without a description it may be a push: an unneeded delivery only costs one read of the API.
    if trigger is Trigger.UPDATE and not _matters(described):
        return Ignored("no_new_commits")
    repo, number = _repo(payload), _number(payload)
    sha = _head_sha(payload)
    return Delivery(
        key=keys.of_pull_event(repo, number, trigger, sha, _occasion(payload)),
        trigger=trigger,
        repo=repo,
        number=number,
        received_at=received_at,
        head_sha=sha,
        sender=_sender(payload, "sender", "author"),
        moved=described == _MOVED,
    )


def _matters(described: str) -> bool:
    return described in _MATTERS or any(part in described for part in _MAY_MATTER)


def _note_event(payload: Mapping[str, Any], received_at: datetime) -> Delivery | Ignored:
    if _text(payload, "noteable_type") != "PullRequest":
        return Ignored("not_a_pull_request")
    action = _text(payload, "action")
    if action not in {"comment", "deleted"}:
        return Ignored("not_a_new_comment")
    comment = _part(payload, "comment")
    comment_id = _positive(comment.get("id"))
    if comment_id is None:
        raise MalformedDeliveryError("comment.id is missing or not a positive number")
    repo, number = _repo(payload), _number(payload)
    if action == "deleted":
        key = keys.of_revocation(repo, number, comment_id)
        return Delivery(key, Trigger.REVOCATION, repo, number, received_at, comment_id=comment_id)
    return Delivery(
        key=keys.of_comment(repo, number, comment_id),
        trigger=Trigger.COMMENT,
        repo=repo,
        number=number,
        received_at=received_at,
        comment_id=comment_id,
        head_sha=_head_sha(payload),
        body_digest=_digest(comment.get("body")),
        sender=_sender(comment, "user") or _sender(payload, "sender", "author"),
    )


def _occasion(payload: Mapping[str, Any]) -> str:
    """Return when the pull request changed, otherwise when the webhook was sent."""
    return _text(_part(payload, "pull_request"), "updated_at") or str(payload.get("timestamp", ""))


def _repo(payload: Mapping[str, Any]) -> RepoPath:
    """Return the repository that the pull request targets, never the fork."""
    base = _part(_part(payload, "pull_request"), "base")
    for holder, name in ((payload, "repository"), (payload, "project"), (base, "repo")):
        path = repo_path(holder.get(name))
        if path is not None:
            return path
    raise MalformedDeliveryError("repository.path_with_namespace is missing or not a path")


def _number(payload: Mapping[str, Any]) -> int:
    pull = _part(payload, "pull_request")
    per_iid = _text(payload, "per_iid").removeprefix("!")
    numbers = (pull.get("number"), payload.get("number"), payload.get("iid"), per_iid)
    number = next((found for found in map(_positive, numbers) if found is not None), None)
    if number is None or number > _LARGEST_NUMBER:
        raise MalformedDeliveryError("pull_request.number is missing or not a positive number")
    return number


def _head_sha(payload: Mapping[str, Any]) -> str | None:
    head = _part(_part(payload, "pull_request"), "head")
    sha = _text(head, "sha").lower()
    return sha if is_sha(sha) else None


def _digest(body: object) -> str | None:
    return keys.body_digest(body) if isinstance(body, str) else None


def _sender(holder: Mapping[str, Any], *names: str) -> str:
    """Return the first valid login of these accounts, or nothing."""
    logins = (_part(holder, name).get("login") for name in names)
    return next((login for login in logins if isinstance(login, str) and is_name(login)), "")


def _part(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, Mapping) else {}


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _positive(value: object) -> int | None:
    """Return a positive number, which may be sent as a string; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < len(str(_LARGEST)):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST:
        return value
    return None
