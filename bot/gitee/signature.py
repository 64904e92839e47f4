"""Checks that a webhook was sent recently by a sender who knows the secret.

Gitee's signature covers the timestamp and the secret but not the body, so the content of an accepted delivery
is still not trusted, and `Uses` limits how many contents may come with one signature.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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


MOST_USES = 16
"""Deliveries with one timestamp and token: Gitee sends several at once only if they share a millisecond."""
_MOST_REMEMBERED = 100_000

Use = tuple[int, str]


@dataclass(slots=True)
class Uses:
    """Counts the deliveries of each timestamp and token, until the timestamp is too old to be accepted."""

    window: timedelta = DEFAULT_WINDOW
    counts: dict[Use, int] = field(default_factory=dict)

    def add(self, token: str, timestamp: str, now: datetime) -> Use | None:
        """Count a delivery that `verify` has accepted; None if there were too many with its headers."""
        self._forget(now)
        # One token can be URL-encoded in many ways, all of which `verify` accepts.
        use = int(timestamp), unquote(token)
        count = self.counts.get(use, 0)
        if count >= MOST_USES:
            return None
        self.counts[use] = count + 1
        return use

    def take_back(self, use: Use) -> None:
        """Do not count a delivery that was a repetition."""
        if use in self.counts:
            self.counts[use] -= 1

    def _forget(self, now: datetime) -> None:
        """Drop entries, oldest first, that cannot be accepted again."""
        oldest = round((now - self.window).timestamp() * 1000)
        while self.counts:
            use = next(iter(self.counts))
            if use[0] >= oldest and len(self.counts) < _MOST_REMEMBERED:
                return
            del self.counts[use]


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
