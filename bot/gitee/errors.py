"""What an unhappy answer of Gitee's means for whoever asked; pure, and never quoting a credential."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from bot.model.errors import ChatOpsError, CommentRefused, GiveUp, RetryLater
from bot.model.reason import Reason

LONGEST_DELAY = 3600.0
"""Seconds; whatever Gitee asks for, an hour later we look again."""
_MESSAGE_LENGTH = 300
_REFUSED_WORDS = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
)


def error_for(response: httpx.Response, asked: str, now: datetime, *, words: bool = False) -> ChatOpsError:
    """Say what follows from an answer that is no success.

    `asked` names the call, such as `GET /user`; `words` says that it carried a comment's text, which
    Gitee's filter of sensitive words may refuse.
    """
    status = response.status_code
    facts = {"message": f"{asked}: {status} {message_of(response)}".rstrip()}
    if status == HTTPStatus.TOO_MANY_REQUESTS or _is_rate_limit(response):
        return RetryLater(Reason.GITEE_UNAVAILABLE, facts, delay=delay_of(response.headers, now))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return RetryLater(Reason.GITEE_UNAVAILABLE, facts, delay=delay_of(response.headers, now))
    if words and status in _REFUSED_WORDS:
        return CommentRefused(Reason.GITEE_DENIED, facts)
    return GiveUp(Reason.GITEE_DENIED, facts)


def unreachable(asked: str, cause: Exception) -> RetryLater:
    """Say that no answer came."""
    return RetryLater(Reason.GITEE_UNAVAILABLE, {"message": f"{asked}: {type(cause).__name__}"})


def unreadable(asked: str, what: str) -> RetryLater:
    """Say that the answer was a success in form only: a maintenance page, half an object."""
    return RetryLater(Reason.GITEE_UNAVAILABLE, {"message": f"{asked}: {what}"})


def message_of(response: httpx.Response) -> str:
    """Return Gitee's own words, on one line; it has sent strings, lists and objects."""
    try:
        told: Any = response.json()
    except ValueError:
        return ""
    if isinstance(told, Mapping):
        told = (
            told.get("message") or told.get("error_description") or told.get("error") or told.get("messages")
        )
    return " ".join(str(told or "").split())[:_MESSAGE_LENGTH]


def delay_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds Gitee asks us to wait, if it says so."""
    wait = _retry_after(headers.get("retry-after", ""), now)
    if wait is None and headers.get("x-ratelimit-remaining", "0").strip() == "0":
        wait = _until(headers.get("x-ratelimit-reset", ""), now)
    return None if wait is None else min(max(wait, 0.0), LONGEST_DELAY)


def _is_rate_limit(response: httpx.Response) -> bool:
    return response.status_code == HTTPStatus.FORBIDDEN and "rate limit" in message_of(response).lower()


def _retry_after(told: str, now: datetime) -> float | None:
    if told.strip().isdecimal():
        return float(told)
    try:
        return (parsedate_to_datetime(told) - now).total_seconds()
    except (TypeError, ValueError):
        return None


def _until(epoch: str, now: datetime) -> float | None:
    return float(epoch) - now.timestamp() if epoch.strip().isdecimal() else None
