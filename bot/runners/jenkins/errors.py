"""Maps error responses of Jenkins to the bot's errors. Pure; messages never contain credentials."""

import re
from collections.abc import Mapping
from html import unescape
from http import HTTPStatus

from bot.model.errors import ChatOpsError, GiveUp, RetryLater, TellUser
from bot.model.reason import Reason
from bot.model.shortening import shortened

LONGEST_DELAY = 600.0
_MESSAGE_LENGTH = 200
_NO_CRUMB = re.compile(r"no valid crumb", re.IGNORECASE)
_TAGS = re.compile(r"(?s)<(script|style)\b.*?</\1>|<[^>]*>")
_TITLE = re.compile(r"(?is)<title>(.*?)</title>")


def is_crumb(status: int, body: str) -> bool:
    """Return whether a change was rejected because its crumb is missing or expired."""
    return status == HTTPStatus.FORBIDDEN and _NO_CRUMB.search(body) is not None


def error_for(status: int, headers: Mapping[str, str], body: str, asked: str, job: str) -> ChatOpsError:
    """Return the error for a response that is neither a success nor 404. `asked` names the request."""
    message = f"{asked}: {status} {words(body)}".rstrip()
    if status == HTTPStatus.UNAUTHORIZED or 300 <= status < 400:  # noqa: PLR2004 - redirected to a login page
        return GiveUp(Reason.JENKINS_LOGIN, {"message": message})
    if status == HTTPStatus.FORBIDDEN:
        permission = headers.get("X-Required-Permission", "")
        return GiveUp(Reason.JENKINS_DENIED, {"job": job, "permission": permission, "message": message})
    if status == HTTPStatus.CONFLICT:
        return TellUser(Reason.JENKINS_JOB_DISABLED, {"job": job})
    return RetryLater(Reason.JENKINS_UNAVAILABLE, {"message": message}, delay=_delay(headers))


def unavailable(message: str) -> RetryLater:
    """Return the error for no response, or an unusable one."""
    return RetryLater(Reason.JENKINS_UNAVAILABLE, {"message": message})


def words(body: str) -> str:
    """Return the text of an HTML error page, on one line."""
    title = _TITLE.search(body)
    text = _TAGS.sub(" ", body[title.end() :] if title else body)
    return shortened(" ".join(unescape(text).split()), _MESSAGE_LENGTH)


def _delay(headers: Mapping[str, str]) -> float | None:
    asked = headers.get("Retry-After", "")
    return min(float(asked), LONGEST_DELAY) if asked.isascii() and asked.isdigit() else None
