"""Which waiting runs may begin, and where each of the others stands in line."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.model.forge import RepoPath
from bot.model.run import Run, RunState


@dataclass(frozen=True, slots=True)
class Limits:
    """How many runs may be under way at once: in all, and of one repository."""

    runs: int
    per_repository: int


def startable(runs: Iterable[Run], limits: Limits) -> tuple[int, ...]:
    """Return the ids of waiting runs to begin now, oldest first.

    `runs` are all that are not over. One pull request has one run under way, in order of asking.
    """
    order = sorted(runs, key=lambda run: run.id)
    busy = [run for run in order if run.state is RunState.RUNNING]
    repositories = Counter(run.repo for run in busy)
    pulls = {_pull(run) for run in busy}
    chosen: list[int] = []
    for run in order:
        if run.state is not RunState.QUEUED or _pull(run) in pulls:
            continue
        pulls.add(_pull(run))
        room = len(busy) + len(chosen) < limits.runs
        if room and repositories[run.repo] < limits.per_repository:
            repositories[run.repo] += 1
            chosen.append(run.id)
    return tuple(chosen)


def positions(runs: Sequence[Run]) -> dict[int, int]:
    """Return each waiting run's place in line by id, 1 being next."""
    waiting = sorted(run.id for run in runs if run.state is RunState.QUEUED)
    return {run_id: place for place, run_id in enumerate(waiting, start=1)}


def _pull(run: Run) -> tuple[RepoPath, int]:
    return run.repo, run.number
