"""Messages of Kubernetes and container engines: unwraps them, and recognizes transient causes. Pure."""

import re

from bot.model.shortening import shortened

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
"""Prefixes that each component adds to the cause."""
_TRANSIENT = re.compile(
    # The node has not read a referenced object yet; a missing object has another message.
    r"(?i)failed to sync \w+ cache|\" not registered$|services have not yet been read"
    # The quota of a new namespace is not computed yet, or the token of its account not created.
    r"|status unknown for quota|no api token found for service account"
    # Overload; the next attempt may collide with one that timed out but still runs.
    r"|timed out|\btimeout\b|deadline exceeded|failed to reserve container name"
    # The API server's words for ServerTimeout, TooManyRequests, Conflict, ServiceUnavailable, InternalError
    # (an admission webhook that does not answer), and those of its database.
    r"|\btry again\b|unable to handle the request|internal error occurred|etcdserver: "
)
_BACK_OFF = re.compile(r"^Back-off pulling image \"[^\"]*\"$")


def plain(text: object) -> str:
    """Return a message without its prefixes, on one line, cut to a readable length.

    >>> plain('Failed to pull image "x": rpc error: code = Unknown desc = unauthorized')
    'unauthorized'
    """
    return shortened(_WRAPPING.sub("", " ".join(str(text or "").split())), SHOWN)


def is_transient(message: str) -> bool:
    """Return whether a busy cluster resolves this problem by itself."""
    return _TRANSIENT.search(message) is not None


def is_back_off(message: str) -> bool:
    """Return whether a message only reports a pull's back-off; the reason is then in an event."""
    return _BACK_OFF.match(message) is not None


def is_about_quota(message: str) -> bool:
    """Return whether a pod is rejected because of a quota or limit."""
    return _QUOTA.search(message) is not None


def is_about_root(message: str) -> bool:
    """Return whether a container is rejected because it runs as root."""
    return _ROOT.search(message) is not None


def without_pod(message: str) -> str:
    """Return a rejection without the name of the pod, which never existed."""
    return _FORBIDDEN.sub("", message)
