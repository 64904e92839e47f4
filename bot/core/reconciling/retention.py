"""Which files of runs have been kept for long enough."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LOG = ".log"
"""What the names of logs end with; all other files of a run are reports."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long things are kept after they are over."""

    logs: timedelta = timedelta(days=30)
    reports: timedelta = timedelta(days=90)
    runs: timedelta = timedelta(days=180)
    deliveries: timedelta = timedelta(days=30)


def lapsed(ended: datetime | None, kept: timedelta, now: datetime) -> bool:
    """Whether what was over then has been kept for long enough; None is not over."""
    return ended is not None and ended < now - kept


def expendable(
    files: Mapping[int, Iterable[str]],
    over: Mapping[int, datetime | None],
    live: Collection[int],
    keep: RetentionPolicy,
    now: datetime,
) -> dict[int, tuple[str, ...]]:
    """Return the names of files to remove, by run.

    `over` tells of each known run when it ended, None while it goes on; what belongs to a run that nobody
    knows any more goes. `live` are runs whose environments are still there: nothing of theirs does.
    """
    found: dict[int, tuple[str, ...]] = {}
    for run, names in files.items():
        if run in live:
            continue
        chosen = tuple(name for name in names if run not in over or lapsed(over[run], _kept(name, keep), now))
        if chosen:
            found[run] = chosen
    return found


def _kept(name: str, keep: RetentionPolicy) -> timedelta:
    return keep.logs if name.endswith(LOG) else keep.reports
