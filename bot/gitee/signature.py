"""Checks that a webhook was sent recently by a sender who knows the secret. Pure.

Gitee's signature covers the timestamp and the secret but not the body, so the content of an accepted delivery
is still not trusted.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import unquote

DEFAULT_WINDOW = timedelta(minutes=5)
"""Gitee's documentation allows an hour, in which a captured header could be replayed with another body."""


class Mode(StrEnum):
    """What the hook sends in `X-Gitee-Token`: the plain password, the signature, or either."""

    ANY = "any"
    PASSWORD = "password"  # noqa: S105 - the name of a mode
    SIGN = "sign"


class Verdict(StrEnum):
    """The result of a check; all but `accepted` lead to a 401. The words are stable: metrics use them."""

    ACCEPTED = "accepted"
    NO_SECRET = "no_secret"  # noqa: S105 - a verdict
    """No secret is configured, so nothing can be accepted."""
    NO_TOKEN = "no_token"  # noqa: S105 - a verdict
    TIMESTAMP_INVALID = "timestamp_invalid"
    STALE = "stale"
    """Too old, or too far in the future by our clock."""
    MISMATCH = "mismatch"

    @property
    def accepted(self) -> bool:
        """Whether the delivery may be processed."""
        return self is Verdict.ACCEPTED


def verify(
    token: str | None,
    timestamp: str | None,
    secrets: Sequence[str],
    now: datetime,
    *,
    window: timedelta = DEFAULT_WINDOW,
    mode: Mode | str = Mode.ANY,
) -> Verdict:
    """Check the headers `X-Gitee-Token` and `X-Gitee-Timestamp` (milliseconds since 1970) at `now`."""
    live = [secret for secret in secrets if secret]
    if not live:
        return Verdict.NO_SECRET
    if not token:
        return Verdict.NO_TOKEN
    if timestamp is None or not _is_milliseconds(timestamp):
        return Verdict.TIMESTAMP_INVALID
    if abs(int(timestamp) - round(now.timestamp() * 1000)) > window.total_seconds() * 1000:
        return Verdict.STALE
    return Verdict.ACCEPTED if _matches(token, timestamp, live, Mode(mode)) else Verdict.MISMATCH


def signature(secret: str, timestamp: str) -> str:
    """Return what Gitee sends for this secret in sign-key mode."""
    message = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def _is_milliseconds(timestamp: str) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15  # noqa: PLR2004 - the year 33658


def _matches(token: str, timestamp: str, secrets: Sequence[str], mode: Mode) -> bool:
    """Compare with every expected token, even after a match, so that the time taken reveals nothing."""
    expected = [each for secret in secrets for each in _expectations(secret, timestamp, mode)]
    # By the documentation the signature is URL-encoded; Gitee sends it unencoded.
    sent = [_bytes(token), _bytes(unquote(token))]
    found = [hmac.compare_digest(one, _bytes(other)) for one in sent for other in expected]
    return any(found)


def _expectations(secret: str, timestamp: str, mode: Mode) -> Iterable[str]:
    if mode is not Mode.SIGN:
        yield secret
    if mode is not Mode.PASSWORD:
        yield signature(secret, timestamp)


def _bytes(text: str) -> bytes:
    """Encode a header's value, in which servers represent undecodable bytes as surrogates."""
    return text.encode("utf-8", "surrogatepass")
