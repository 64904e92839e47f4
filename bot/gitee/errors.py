"""The errors that failed answers of Gitee become. Pure; no message contains a credential."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from bot.model.errors import AnswerLost, ChatOpsError, CommentRefused, GiveUp, RetryLater
from bot.model.reason import Reason
from bot.model.shortening import shortened

LONGEST_DELAY = 3600.0
"""Most seconds to wait, whatever Gitee asks for."""
_MESSAGE_LENGTH = 300
_REFUSED_WORDS = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
)

_LOST = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
"""Answers of a proxy in front of Gitee, which may still act on the request."""


def error_for(
    response: httpx.Response, asked: str, now: datetime, *, words: bool = False, changes: bool = False
) -> ChatOpsError:
    """Return the error for an answer that is not a success.

    `asked` names the call, such as `GET /user`. `words` means that the call contained a comment's text, which
    Gitee's filter of sensitive words may refuse. `changes` means that the call is not simply repeated.
    """
    status = response.status_code
    facts = {"message": f"{asked}: {status} {message_of(response)}".rstrip()}
    if status == HTTPStatus.TOO_MANY_REQUESTS or _is_rate_limit(response):
        return RetryLater(Reason.GITEE_UNAVAILABLE, facts, delay=delay_of(response.headers, now))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        kind = AnswerLost if changes and status in _LOST else RetryLater
        return kind(Reason.GITEE_UNAVAILABLE, facts, delay=delay_of(response.headers, now))
    if words and status in _REFUSED_WORDS:
        return CommentRefused(Reason.GITEE_DENIED, facts)
    return GiveUp(Reason.GITEE_DENIED, facts)


def unreachable(asked: str, cause: Exception, *, changes: bool = False) -> RetryLater:
    """Return the error for a call without an answer; `changes` means that it may have changed something."""
    kind = AnswerLost if changes else RetryLater
    return kind(Reason.GITEE_UNAVAILABLE, {"message": f"{asked}: {type(cause).__name__}"})


def unreadable(asked: str, what: str) -> RetryLater:
    """Return the error for an answer that is a success only by its status, such as a maintenance page."""
    return RetryLater(Reason.GITEE_UNAVAILABLE, {"message": f"{asked}: {what}"})


def message_of(response: httpx.Response) -> str:
    """Return Gitee's own message on one line; it can be a string, a list or an object."""
    try:
        found: Any = response.json()
    except ValueError:
        return ""
    if isinstance(found, Mapping):
        names = ("message", "error_description", "error", "messages")
        found = next((found[name] for name in names if found.get(name)), "")
    return shortened(" ".join(str(found or "").split()), _MESSAGE_LENGTH)


def delay_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds Gitee asks to wait; None if it does not say."""
    wait = _retry_after(headers.get("retry-after", ""), now)
    if wait is None and headers.get("x-ratelimit-remaining", "0").strip() == "0":
        wait = _until(headers.get("x-ratelimit-reset", ""), now)
    return None if wait is None else min(max(wait, 0.0), LONGEST_DELAY)


def _is_rate_limit(response: httpx.Response) -> bool:
    return response.status_code == HTTPStatus.FORBIDDEN and "rate limit" in message_of(response).lower()


def _retry_after(header: str, now: datetime) -> float | None:
    if header.strip().isdecimal():
        return float(header)
    try:
        return (parsedate_to_datetime(header) - now).total_seconds()
    except (TypeError, ValueError):
        return None


def _until(epoch: str, now: datetime) -> float | None:
    return float(epoch) - now.timestamp() if epoch.strip().isdecimal() else None
