"""Which files of runs have passed their retention period."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LOG = ".log"
"""Suffix of the names of logs; all other files of a run are reports."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long each kind of data is kept after its run or delivery is over."""

    logs: timedelta = timedelta(days=30)
    reports: timedelta = timedelta(days=90)
    runs: timedelta = timedelta(days=180)
    deliveries: timedelta = timedelta(days=30)
    audit: timedelta = timedelta(days=365)


def expired(ended: datetime | None, period: timedelta, now: datetime) -> bool:
    """Whether the retention period `period` has passed since `ended`; None means that it is not over."""
    return ended is not None and ended < now - period


def expired_files(
    files: Mapping[int, Iterable[str]],
    over: Mapping[int, datetime | None],
    live: Collection[int],
    policy: RetentionPolicy,
    now: datetime,
) -> dict[int, tuple[str, ...]]:
    """Return the names of files to remove, by run.

    `over` holds when each known run ended, None while it is unfinished. All files of unknown runs are
    removed, none of the runs in `live`, whose environments still exist.
    """
    found: dict[int, tuple[str, ...]] = {}
    for run, names in files.items():
        if run in live:
            continue
        chosen = tuple(
            name for name in names if run not in over or expired(over[run], _period(name, policy), now)
        )
        if chosen:
            found[run] = chosen
    return found


def _period(name: str, policy: RetentionPolicy) -> timedelta:
    return policy.logs if name.endswith(LOG) else policy.reports
