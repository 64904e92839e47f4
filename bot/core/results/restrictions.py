"""Recognises a restricted preview that fails only because it is restricted."""

import re
from typing import Final

from bot.core.results.last_lines import last_lines
from bot.model.errors import TellUser
from bot.model.reason import Reason

BY_OPERATOR: Final = "[docker] restricted"
"""The setting with which an operator restricts previews."""

_CRASHED = frozenset(
    {
        *(Reason.CONTAINER_EXITED, Reason.CRASH_LOOP, Reason.UNHEALTHY, Reason.NO_HTTP, Reason.PROBE_FAILING),
        Reason.SETUP_FAILED,
    }
)
_READ_ONLY = re.compile(r"(?i)read-only file ?system|\bEROFS\b")
_CHANGES_USER = re.compile(r"(?i)\bset(?:re|res|fs)?[ug]id|\bset ?groups|\binitgroups|\bl?chown|\bsu:")
_REFUSED = re.compile(r"(?i)operation not permitted|permission denied|\bEPERM\b|\bEACCES\b")


def restricted_by(error: TellUser, setting: str = "") -> TellUser:
    """Return an error that names the restriction, if that is why a container failed; otherwise the same one.

    `setting` is the operator's; empty if the repository has restricted the preview itself.
    """
    reason = _restriction(error.log) if error.reason in _CRASHED else None
    if reason is None:
        return error
    return TellUser(reason, {**error.facts, **({"setting": setting} if setting else {})}, log=error.log)


def _restriction(output: str) -> Reason | None:
    """Return which restriction a program ran into, by its last lines."""
    for line in reversed(last_lines(output)):
        if _READ_ONLY.search(line):
            return Reason.READ_ONLY
        if _CHANGES_USER.search(line) and _REFUSED.search(line):
            return Reason.NOT_PERMITTED
    return None
