"""Whether an answer came from the service itself or from what stands in front of it. Pure."""

from dataclasses import dataclass

_REDIRECTED_AT_MOST = 399
_NOT_FOUND = 404
_IN_BETWEEN = {0, 502, 503, 504}
"""No answer at all, and what proxies say for a service that does not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought; status 0 means nothing, `told` is for people."""

    status: int
    body: str
    told: str


def reached(answer: Answer, unknown: Answer | None, *, strict: bool) -> bool:
    """Tell whether the service answered.

    With `strict` its path must answer below 400. Otherwise anything of its own counts; a “not found” counts
    only if a name that nobody has is answered otherwise (`unknown`), since an ingress controller says it too.
    A controller that takes up a new route may drop the connection of either question: that tells nothing.
    """
    if strict:
        return 0 < answer.status <= _REDIRECTED_AT_MOST
    if answer.status in _IN_BETWEEN:
        return False
    if answer.status != _NOT_FOUND or unknown is None:
        return True
    return unknown.status != 0 and not unrouted(answer, unknown)


def unrouted(answer: Answer, unknown: Answer) -> bool:
    """Tell whether a name leads nowhere: it is answered as one that nobody has."""
    return (unknown.status, unknown.body) == (answer.status, answer.body)
