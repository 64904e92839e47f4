"""Which waiting runs may start, the queue positions of the others, and what each of them waits for.

There is one queue. Runs start from its front as far as the limits allow, and the position that people see is
the position in the same queue, so the two cannot disagree.
"""

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.model.forge import RepoPath
from bot.model.pipeline import RunnerName
from bot.model.queue import BlockedBy, QueueEntry, QueuePosition

Pull = tuple[RepoPath, int]

INTERRUPTED, REMOVING, ASKED = range(3)
"""Order of classes: interrupted runs are half done, and runs that only remove free resources."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How many runs may be active at once: in all, of one repository, and on one runner."""

    runs: int
    per_repository: int
    per_runner: Mapping[RunnerName, int] = field(default_factory=dict)
    """Runners that are absent have no limit of their own."""
    disk_full: bool = False
    """Whether a disk lacks space; then only runs start that remove things."""


def startable(entries: Iterable[QueueEntry], limits: RunLimits) -> tuple[int, ...]:
    """Return the ids of runs to start now, in queue order.

    `entries` are all unfinished runs. A pull request has one active run at a time, in the order of the
    requests.
    """
    known = tuple(entries)
    capacity = _Capacity(limits, known)
    return tuple(entry.id for entry in queue_order(known) if capacity.start(entry))


def share(limits: RunLimits, replicas: int) -> int:
    """Return how many runs one of `replicas` replicas claims at most, so that the load is spread."""
    return -(-limits.runs // max(replicas, 1))


def ending(entries: Iterable[QueueEntry]) -> tuple[int, ...]:
    """Return the ids of runs that shall stop and that no replica holds; limits do not apply to them.

    A run that was started may have something to clean up, so it waits until its pull request has no active
    run.
    """
    known = tuple(entries)
    busy = {_pull(entry) for entry in known if entry.held}
    return tuple(
        entry.id
        for entry in known
        if entry.stopping and not entry.held and not (entry.started and _pull(entry) in busy)
    )


def queue_order(entries: Iterable[QueueEntry]) -> tuple[QueueEntry, ...]:
    """Return the waiting runs in queue order.

    Repositories take turns: the one with the fewest runs that are active or ahead in the queue comes next,
    with its oldest run.
    """
    known = sorted(entries, key=lambda entry: entry.id)
    counts = Counter(entry.repo for entry in known if entry.held)
    classes: dict[int, dict[RepoPath, deque[QueueEntry]]] = defaultdict(lambda: defaultdict(deque))
    reached: dict[Pull, int] = {}
    for entry in known:
        if entry.held or entry.stopping:
            continue
        # Runs of one pull request never overtake each other, whatever their class.
        reached[_pull(entry)] = max(_class(entry), reached.get(_pull(entry), INTERRUPTED))
        classes[reached[_pull(entry)]][entry.repo].append(entry)
    return tuple(entry for each in sorted(classes) for entry in _in_turn(classes[each], counts))


def queue_positions(entries: Iterable[QueueEntry], limits: RunLimits) -> dict[int, QueuePosition]:
    """Return the queue position of each waiting run, by its id."""
    known = tuple(entries)
    capacity = _Capacity(limits, known)
    found: dict[int, QueuePosition] = {}
    for entry in queue_order(known):
        blocked_by, runner = capacity.blocker(entry)
        if blocked_by is BlockedBy.NOTHING:
            capacity.start(entry)
        found[entry.id] = QueuePosition(len(found) + 1, blocked_by, runner)
        capacity.pulls.add(_pull(entry))
    return found


class _Capacity:
    """The capacity that is left; each started run takes its part."""

    def __init__(self, limits: RunLimits, entries: Sequence[QueueEntry]) -> None:
        self._limits = limits
        self._runs = 0
        self._repositories: Counter[RepoPath] = Counter()
        self._runners: Counter[RunnerName] = Counter()
        self.pulls: set[Pull] = set()
        for entry in entries:
            if entry.held:
                self._add(entry)
            elif entry.stopping and entry.started:
                self.pulls.add(_pull(entry))

    def start(self, entry: QueueEntry) -> bool:
        """Start this run if the limits allow it. Either way, later runs of its pull request must wait."""
        fits = self.blocker(entry)[0] is BlockedBy.NOTHING
        if fits:
            self._add(entry)
        self.pulls.add(_pull(entry))
        return fits

    def blocker(self, entry: QueueEntry) -> tuple[BlockedBy, RunnerName | None]:
        """Return what blocks this run, the narrowest limit first."""
        if _pull(entry) in self.pulls:
            return BlockedBy.PULL, None
        if self._limits.disk_full and not entry.removes_only:
            return BlockedBy.DISK, None
        if self._repositories[entry.repo] >= self._limits.per_repository:
            return BlockedBy.REPOSITORY, None
        if full := sorted(runner for runner in entry.runners if self._is_full(runner)):
            return BlockedBy.RUNNER, full[0]
        return (BlockedBy.ALL if self._runs >= self._limits.runs else BlockedBy.NOTHING), None

    def _is_full(self, runner: RunnerName) -> bool:
        most = self._limits.per_runner.get(runner)
        return most is not None and self._runners[runner] >= most

    def _add(self, entry: QueueEntry) -> None:
        self._runs += 1
        self._repositories[entry.repo] += 1
        self._runners.update(entry.runners)
        self.pulls.add(_pull(entry))


def _in_turn(waiting: Mapping[RepoPath, deque[QueueEntry]], counts: Counter[RepoPath]) -> list[QueueEntry]:
    heap = [(counts[repo], queue[0].id, repo) for repo, queue in waiting.items()]
    heapq.heapify(heap)
    order: list[QueueEntry] = []
    while heap:
        _, _, repo = heapq.heappop(heap)
        queue = waiting[repo]
        order.append(queue.popleft())
        counts[repo] += 1
        if queue:
            heapq.heappush(heap, (counts[repo], queue[0].id, repo))
    return order


def _class(entry: QueueEntry) -> int:
    if entry.started:
        return INTERRUPTED
    return REMOVING if entry.removes_only else ASKED


def _pull(entry: QueueEntry) -> Pull:
    return entry.repo, entry.number
