"""The meaning of git's error messages. Pure. Only their text differs, so git runs in the C locale."""

from enum import StrEnum

from bot.gitee.git import GitResult
from bot.model.shortening import shortened

LONGEST = 300


class FetchFailure(StrEnum):
    """Why a fetch failed."""

    MISSING = "missing"
    """The ref or commit does not exist there, or may not be fetched."""
    DENIED = "denied"
    """The credential is refused, or cannot see the repository."""
    REFUSED = "refused"
    """Our own rules refuse the content or the address."""
    NETWORK = "network"
    BROKEN = "broken"
    """Anything else; most likely a damaged cache."""


_WORDS = (
    (
        FetchFailure.MISSING,
        ("couldn't find remote ref", "not our ref", "unadvertised object", "no such remote ref"),
    ),
    (FetchFailure.DENIED, ("authentication failed", "could not read username", "could not read password")),
    (FetchFailure.DENIED, ("error: 401", "error: 403", "error: 404", "' not found", "access denied")),
    (FetchFailure.REFUSED, ("fsck error", "transport '", "error: 30", "unable to update url base")),
    (FetchFailure.NETWORK, ("unable to access", "could not resolve", "timed out", "rpc failed", "hung up")),
    (
        FetchFailure.NETWORK,
        ("early eof", "connection re", "no space left", "error: 5", "ssl", "remote error"),
    ),
)


def failure_of(ended: GitResult) -> FetchFailure | None:
    """Return why git failed, from its messages; None if it succeeded."""
    if ended.code == 0:
        return None
    errors = ended.errors.lower()
    return next(
        (kind for kind, words in _WORDS if any(word in errors for word in words)), FetchFailure.BROKEN
    )


def conclusion(errors: str) -> str:
    """Return git's final error message, as one printable line."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    line = (fatal or lines or ["git failed"])[-1]
    return shortened("".join(char for char in line if char.isprintable()), LONGEST)
