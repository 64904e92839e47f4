"""What git's complaints mean; pure. Git tells them apart by words only, so they are read in the C locale."""

from enum import StrEnum

from bot.gitee.git import GitResult

LONGEST = 300


class FetchFailure(StrEnum):
    """Why a fetch failed."""

    MISSING = "missing"
    """The ref or commit does not exist there, or is not given out."""
    DENIED = "denied"
    """Not with this credential, or nothing there that it may see."""
    REFUSED = "refused"
    """We will not have what was sent, or not from there."""
    NETWORK = "network"
    BROKEN = "broken"
    """Anything else; most likely the cache."""


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
    """Read the reason from what git wrote; None if all went well."""
    if ended.code == 0:
        return None
    told = ended.errors.lower()
    return next((kind for kind, words in _WORDS if any(word in told for word in words)), FetchFailure.BROKEN)


def conclusion(errors: str) -> str:
    """Return git's own conclusion, on one printable line."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    line = (fatal or lines or ["git failed"])[-1]
    return "".join(char for char in line if char.isprintable())[:LONGEST]
