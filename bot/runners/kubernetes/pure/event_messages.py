"""What the parts of a cluster say: without what each puts around it, and whether it will pass. Pure."""

import re

SHOWN = 300
_QUOTA = re.compile(r"(?i)exceeded quota|failed quota|maximum .* usage per")
_ROOT = re.compile(r"(?i)run as root|runAsNonRoot|non-root policy|non-numeric user")
_FORBIDDEN = re.compile(r"^pods? \"[^\"]*\" is forbidden: |^[a-z.]+ \"[^\"]*\" is forbidden: ")
_WRAPPING = re.compile(
    r"^Failed to pull image \"[^\"]*\": |^Back-off pulling image \"[^\"]*\": (?:ErrImagePull: )?"
    r"|rpc error: code = \w+ desc = |Error response from daemon: "
    r"|failed to (?:start|create) (?:shim task|containerd task|container(?: \"[^\"]*\")?)(?::|$) ?"
    r"|OCI runtime create failed: |runc create failed: "
)
"""What each part in between has put in front of the cause."""
_PASSING = re.compile(
    # The node has yet to read what a pod refers to; that there is none it says in other words.
    r"(?i)failed to sync \w+ cache|\" not registered$|services have not yet been read"
    # Nobody has counted yet what a new namespace uses, or made what its accounts are to have.
    r"|status unknown for quota|no api token found for service account"
    # Too much to do; the next attempt may meet the one that took too long.
    r"|timed out|\btimeout\b|deadline exceeded|failed to reserve container name"
)
_BACK_OFF = re.compile(r"^Back-off pulling image \"[^\"]*\"$")


def plain(text: object) -> str:
    """Return a message on one line, without its wrapping, no longer than people read.

    >>> plain('Failed to pull image "x": rpc error: code = Unknown desc = unauthorized')
    'unauthorized'
    """
    return _WRAPPING.sub("", " ".join(str(text or "").split()))[:SHOWN]


def passes(message: str) -> bool:
    """Tell whether a busy cluster mends by itself, a moment later, what it says here."""
    return _PASSING.search(message) is not None


def tells_nothing(message: str) -> bool:
    """Tell whether a message only says that a pull waits; why it failed is then in an event."""
    return _BACK_OFF.match(message) is not None


def is_of_quota(message: str) -> bool:
    """Tell whether a pod is refused for how much it asks for."""
    return _QUOTA.search(message) is not None


def is_of_root(message: str) -> bool:
    """Tell whether a container is refused for whom it runs as."""
    return _ROOT.search(message) is not None


def without_pod(message: str) -> str:
    """Return a refusal without the name of the pod, which nobody has seen."""
    return _FORBIDDEN.sub("", message)
