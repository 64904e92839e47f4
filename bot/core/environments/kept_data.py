"""Which data of an earlier deployment a new one may use: that of the same pull request and trust."""

from collections.abc import Mapping
from enum import StrEnum

from bot.core.naming import LABEL_DATA
from bot.core.runs.fencing import holder_of, same_run


class Origin(StrEnum):
    """Why a service has the data that it has, as the log of a deployment says it."""

    KEPT = "keeps its data"
    FIRST = "begins without data"
    ASKED = "begins without data, as asked for"
    TRUST = "begins without data: that of a commit with other trust is not used"
    UNFINISHED = "begins without data: an earlier attempt had not finished it"


def trust_label(*, trusted: bool) -> str:
    """Return the value of the label of data: whose commits have written it."""
    return "trusted" if trusted else "untrusted"


def origin(found: Mapping[str, str] | None, new: Mapping[str, str], *, renew: bool) -> Origin:
    """Return whether a deployment with the labels `new` may use data with the labels `found`, or why not.

    None is data that does not exist. What the same run has begun was not prepared to its end.
    """
    if found is None:
        return Origin.FIRST
    if renew:
        return Origin.ASKED
    if found.get(LABEL_DATA) != new[LABEL_DATA]:
        return Origin.TRUST
    return Origin.UNFINISHED if same_run(found, holder_of(new)) else Origin.KEPT
