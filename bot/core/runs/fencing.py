"""What a run may remove at a runner: its own things and older ones, never those of its successor.

A replica that hangs can lose its lease without noticing, and act once more when it continues. By then another
replica may have done the same work again, in a later attempt or a later run. Numbers of runs can be compared
only if one store has given them out.
"""

from collections.abc import Mapping

from bot.core.naming import LABEL_ATTEMPT, LABEL_RUN, LABEL_STORE, labeled_number
from bot.model.holder import Holder


def holder_of(labels: Mapping[str, str]) -> Holder:
    """Return the holder that labels name. What names none counts as older than everything else.

    >>> holder_of({"chatops.run": "7", "chatops.attempt": "2"}) > holder_of({"chatops.run": "7"})
    True
    """
    return Holder(
        labeled_number(labels, LABEL_RUN),
        labeled_number(labels, LABEL_ATTEMPT),
        labels.get(LABEL_STORE, ""),
    )


def may_remove(labels: Mapping[str, str], holder: Holder) -> bool:
    """Whether a holder may remove what carries these labels.

    A store that is not named, by the labels or the holder, counts as the same one.
    """
    found = holder_of(labels)
    return _same_store(found, holder) and (found.run, found.attempt) <= (holder.run, holder.attempt)


def same_run(labels: Mapping[str, str], holder: Holder) -> bool:
    """Whether the holder's run has created what carries these labels, in any attempt."""
    found = holder_of(labels)
    return _same_store(found, holder) and found.run == holder.run


def _same_store(one: Holder, other: Holder) -> bool:
    return one.store == other.store or not one.store or not other.store
