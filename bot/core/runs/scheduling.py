"""Which waiting runs may begin, where each of the others stands in line, and what it waits for.

There is one line for all: those who begin are taken from its front, as far as there is room for them,
and a place in it is what the waiting are told. So the two can never disagree.
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
"""Who comes first: what was interrupted is half done, what removes makes room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many runs may be under way at once: in all, of one repository, and on one runner."""

    runs: int
    per_repository: int
    per_runner: Mapping[RunnerName, int] = field(default_factory=dict)
    """Runners that are not named have no limit of their own."""


def startable(entries: Iterable[QueueEntry], limits: Limits) -> tuple[int, ...]:
    """Return the ids of runs to begin now, in the order of the line.

    `entries` are all runs that are not over. One pull request has one run under way, in order of asking.
    """
    known = tuple(entries)
    room = _Room(limits, known)
    return tuple(entry.id for entry in line(known) if room.takes(entry))


def share(limits: Limits, replicas: int) -> int:
    """Return how many runs one of so many replicas takes up at most, so that none hogs them all."""
    return -(-limits.runs // max(replicas, 1))


def ending(entries: Iterable[QueueEntry]) -> tuple[int, ...]:
    """Return the ids of runs that were asked to stop while nobody has them in hand: they wait for no room.

    One that was begun leaves something to tidy up, so it waits until its pull request is free.
    """
    known = tuple(entries)
    busy = {_pull(entry) for entry in known if entry.held}
    return tuple(
        entry.id
        for entry in known
        if entry.stopping and not entry.held and not (entry.started and _pull(entry) in busy)
    )


def line(entries: Iterable[QueueEntry]) -> tuple[QueueEntry, ...]:
    """Return those that wait in the order in which they get their turn, were the others to end one by one.

    Repositories take turns: the one with the fewest runs under way and ahead in line comes next, and
    within it the oldest run.
    """
    known = sorted(entries, key=lambda entry: entry.id)
    counts = Counter(entry.repo for entry in known if entry.held)
    classes: dict[int, dict[RepoPath, deque[QueueEntry]]] = defaultdict(lambda: defaultdict(deque))
    reached: dict[Pull, int] = {}
    for entry in known:
        if entry.held or entry.stopping:
            continue
        # Nobody overtakes within a pull request, whatever it is for.
        reached[_pull(entry)] = max(_class(entry), reached.get(_pull(entry), INTERRUPTED))
        classes[reached[_pull(entry)]][entry.repo].append(entry)
    return tuple(entry for each in sorted(classes) for entry in _in_turn(classes[each], counts))


def queue_positions(entries: Iterable[QueueEntry], limits: Limits) -> dict[int, QueuePosition]:
    """Return where each waiting run stands, by id."""
    known = tuple(entries)
    room = _Room(limits, known)
    found: dict[int, QueuePosition] = {}
    for entry in line(known):
        blocked_by, runner = room.lacks(entry)
        if blocked_by is BlockedBy.NOTHING:
            room.takes(entry)
        found[entry.id] = QueuePosition(len(found) + 1, blocked_by, runner)
        room.pulls.add(_pull(entry))
    return found


class _Room:
    """What is still free; whoever begins takes of it."""

    def __init__(self, limits: Limits, entries: Sequence[QueueEntry]) -> None:
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

    def takes(self, entry: QueueEntry) -> bool:
        """Let this one begin if there is room; nobody of its pull request may pass it then either way."""
        fits = self.lacks(entry)[0] is BlockedBy.NOTHING
        if fits:
            self._add(entry)
        self.pulls.add(_pull(entry))
        return fits

    def lacks(self, entry: QueueEntry) -> tuple[BlockedBy, RunnerName | None]:
        """Return what stands in the way of this one, the nearest first."""
        if _pull(entry) in self.pulls:
            return BlockedBy.PULL, None
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
