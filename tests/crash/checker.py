"""The rules of a crash test: pure functions over what the doubles saw and what remains once all is quiet.

They know nothing of the bots but the names of their markers and the values in their store.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from bot.core import markers
from bot.core.markers import Marker, ReadMarker
from bot.model.audit import AuditRecord
from bot.model.delivery import DeliveryState, Trigger
from bot.model.holder import LAST, Holder
from bot.model.run import Run, RunState
from tests.crash.history import NOBODY, CommentEvent, Event, FaultEvent, Phase, RunnerEvent

AUTOMATIC = {Trigger.OPEN, Trigger.UPDATE}
COLLECTING = {"collect", "collect_tests"}
"""Operations of garbage collection, which belongs to no attempt."""
CREATED = 201
WAKING_SECONDS = 10.0
"""Seconds after a freeze within which a replica on a loaded machine has noticed what it has lost."""
SAYS = {
    RunState.PASSED: ("✅",),
    RunState.FAILED: ("❌", "⚠️"),
    RunState.CANCELLED: ("⏹️",),
    RunState.SUPERSEDED: ("⏭️",),
}
"""The icons with which the comment on a run that has ended can begin."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An acknowledged event: the key of its delivery, its pull request, and what it asks for.

    Those of one pull request are in the order in which they happened.
    """

    key: str
    pull: str
    run: bool = False
    """Whether it asks for a run; whether other events have one depends on what else happened."""
    question: bool = False
    """Whether it asks for a reply."""
    reply: Marker | None = None
    """Marker of its reply, if it has one."""
    late: bool = False
    """Whether no bot acknowledged it when it happened. Found later, it may be answered with the request to
    repeat it, or be dropped if a later event of its pull request has led to a run."""


@dataclass(frozen=True, slots=True)
class Written:
    """A comment of the bot that exists."""

    id: int
    pull: str
    body: str

    @property
    def marker(self) -> ReadMarker:
        """What its hidden marker says."""
        found = markers.read(self.body)
        assert found is not None, f"comment {self.id} has no marker"
        return found


@dataclass(frozen=True, slots=True)
class Final:
    """What the store, Gitee and the runner have once all is quiet."""

    asked: Sequence[Asked] = ()
    runs: Sequence[Run] = ()
    deliveries: Mapping[str, str] = field(default_factory=dict)
    """State of each delivery by its key."""
    comments: Sequence[Written] = ()
    recorded: Mapping[int, str] = field(default_factory=dict)
    """SHA-256 of the text of each comment, by its id, as the store knows it."""
    outdated: Collection[int] = ()
    """Runs whose comments show an older revision, according to the store."""
    lost: Collection[str] = ()
    """Markers of comments whose last request got no answer, and that were not compared since."""
    heads: Mapping[str, str] = field(default_factory=dict)
    """Last commit of each pull request that must have an automatic run."""
    owned: Collection[str] = ()
    """Keys of environments that exist according to the store."""
    ready: Collection[str] = ()
    """Keys of those that are ready."""
    at_runner: Collection[str] = ()
    """Keys of environments at the runner."""
    former: Collection[str] = ()
    """Keys of environments that have another deployment there, beside the present one."""
    suites: Collection[str] = ()
    """Keys of environments whose suite still exists there."""
    audited: Sequence[AuditRecord] = ()
    """The audit records."""


def broken_on_the_way(history: Sequence[Event]) -> list[str]:
    """Return a description of each guarantee that what happened has broken."""
    return [*outdated_changes(history), *two_at_once(history), *posted_twice(history)]


def wrong_in_the_end(final: Final) -> list[str]:
    """Return a description of each guarantee that does not hold, or not yet."""
    return [
        *wrong_runs(final),
        *wrong_records(final),
        *wrong_replies(final),
        *wrong_pushes(final),
        *duplicates(final),
        *wrong_comments(final),
        *waiting(final),
        *orphans(final),
    ]


def outdated_changes(history: Sequence[Event]) -> Iterator[str]:
    """Yield changes by a run or attempt after the first effect of a later one on the same pull request.

    When a frozen replica wakes, it can begin one more suite, which is then an orphan until it is collected.
    """
    latest = defaultdict[str, Holder](lambda: NOBODY)
    excuses = _Excuses()
    for event in history:
        excuses.see(event)
        if not isinstance(event, RunnerEvent) or event.operation in COLLECTING or event.holder.run == LAST:
            continue
        newest = latest[event.pull]
        if event.phase is Phase.CHANGED and event.holder < newest:
            if event.operation != "test" or not excuses.take(event, event.at):
                yield (
                    f"{event.operation} of {_who(event)} changed {event.pull},"
                    f" which is run {newest.run}, attempt {newest.attempt}"
                )
        elif event.phase in {Phase.BEGAN, Phase.CHANGED}:
            latest[event.pull] = max(newest, event.holder)


def two_at_once(history: Sequence[Event]) -> Iterator[str]:
    """Yield calls of two leases at once for one pull request.

    A call that a frozen replica has begun may go on, and when the replica wakes, it can begin one more.
    """
    under_way = defaultdict[str, dict[int, RunnerEvent]](dict)
    excuses = _Excuses()
    for event in history:
        excuses.see(event)
        if not isinstance(event, RunnerEvent) or event.operation in COLLECTING:
            continue
        if event.phase is Phase.ENDED:
            under_way[event.pull].pop(event.call, None)
        elif event.phase is Phase.BEGAN:
            for other in under_way[event.pull].values():
                older = min(other, event, key=lambda one: one.holder)
                if other.lease != event.lease and not excuses.take(older, event.at):
                    yield f"{_who(other)} and {_who(event)} were both at work on {event.pull}"
            under_way[event.pull][event.call] = event


class _Excuses:
    """Frozen processes: until each has noticed it, it may be outdated, once for each pull request."""

    def __init__(self) -> None:
        self._frozen = Counter[int]()
        self._until = dict[int, float]()
        self._taken = set[tuple[int, int, str]]()

    def see(self, event: Event) -> None:
        """Note that a process is frozen, or goes on."""
        if not isinstance(event, FaultEvent) or not event.kind.startswith("frozen"):
            return
        self._frozen[event.pid] += event.begins
        self._until[event.pid] = inf if event.begins else event.at + WAKING_SECONDS

    def take(self, outdated: RunnerEvent, at: float) -> bool:
        """Use up the excuse of a process for a pull request; return False if it has none at this time."""
        excuse = (outdated.pid, self._frozen[outdated.pid], outdated.pull)
        if at > self._until.get(outdated.pid, -inf) or excuse in self._taken:
            return False
        self._taken.add(excuse)
        return True


def posted_twice(history: Sequence[Event]) -> Iterator[str]:
    """Yield markers that were posted twice although Gitee did not act late or repeatedly on a request."""
    posts = Counter[tuple[str, Marker]]()
    for event in history:
        if isinstance(event, CommentEvent) and event.method == "POST" and event.status == CREATED:
            found = markers.read(event.body)
            if found is not None and not event.delayed and not event.repeated:
                posts[event.path, found.marker] += 1
    return (
        f"{marker.key} was posted {count} times: {path}"
        for (path, marker), count in posts.items()
        if count > 1
    )


def wrong_runs(final: Final) -> Iterator[str]:
    """Yield events with two runs, and those that ask for a run and have none, nor any excuse."""
    started = Counter(run.origin.delivery for run in final.runs)
    said = Counter[tuple[str, Marker | None]](
        (comment.pull, comment.marker.marker) for comment in final.comments
    )
    later = set[str]()
    """Pull requests of which a later event has led to a run."""
    for asked in reversed(final.asked):
        count = started[asked.key]
        excused = asked.late and (said[asked.pull, asked.reply] == 1 or asked.pull in later)
        if count > 1 or (asked.run and not count and not excused):
            yield f"{count} runs of delivery {asked.key} of {asked.pull}"
        if asked.run and count:
            later.add(asked.pull)


def wrong_records(final: Final) -> Iterator[str]:
    """Yield runs of deliveries that no audit record names, records of runs that do not exist, and doubles."""
    named = {(record.delivery, run) for record in final.audited for run in record.runs}
    numbers = {run.id for run in final.runs}
    for run in final.runs:
        if run.origin.delivery and (run.origin.delivery, run.id) not in named:
            yield f"no audit record of run {run.id} of delivery {run.origin.delivery}"
    yield from (f"an audit record names run {run} of {key}" for key, run in named if run not in numbers)
    places = Counter((record.delivery, record.position) for record in final.audited if record.delivery)
    yield from (f"{count} audit records at {place}" for place, count in places.items() if count > 1)


def wrong_replies(final: Final) -> Iterator[str]:
    """Yield events that ask for a reply and have none, and those that have several."""
    said = Counter[tuple[str, Marker | None]](
        (comment.pull, comment.marker.marker) for comment in final.comments
    )
    for asked in final.asked:
        count = said[asked.pull, asked.reply]
        if count > 1 or (asked.question and not count):
            yield f"{count} replies to delivery {asked.key} of {asked.pull}"


def wrong_pushes(final: Final) -> Iterator[str]:
    """Yield pull requests whose last commit has no automatic run, and commits that have two."""
    found = Counter((pull_of(run), run.sha) for run in final.runs if run.origin.trigger in AUTOMATIC)
    yield from (f"{count} automatic runs of {commit}" for commit, count in found.items() if count > 1)
    yield from (
        f"no automatic run of {pull} at {head}" for pull, head in final.heads.items() if not found[pull, head]
    )


def duplicates(final: Final) -> Iterator[str]:
    """Yield markers that a pull request has twice."""
    said = Counter((comment.pull, comment.marker.marker) for comment in final.comments)
    return (f"{pull} has {marker.key} {count} times" for (pull, marker), count in said.items() if count > 1)


def wrong_comments(final: Final) -> Iterator[str]:
    """Yield runs whose comment does not say their state, and comments that the store knows otherwise."""
    by_marker = {comment.marker.marker: comment for comment in final.comments}
    for run in final.runs:
        comment = by_marker.get(markers.of_run(run))
        if comment is None:
            yield f"run {run.id} has no comment"
        elif run.state in SAYS and (comment.marker.unfinished or not _says(comment.body, SAYS[run.state])):
            yield f"run {run.id} is {run.state}, but its comment says {_headline(comment.body)!r}"
    for comment in final.comments:
        digest = hashlib.sha256(comment.body.encode()).hexdigest()
        if final.recorded.get(comment.id) != digest:
            yield f"comment {comment.id} of {comment.pull} is not what the store says: {comment.body[:80]!r}"


def waiting(final: Final) -> Iterator[str]:
    """Yield deliveries, runs and comments that still wait for something."""
    for key, state in final.deliveries.items():
        if state != DeliveryState.DONE:
            yield f"delivery {key} is {state}"
    yield from (f"run {run.id} is {run.state}" for run in final.runs if not run.state.final)
    yield from (f"the comment of run {run} is outdated" for run in final.outdated)
    yield from (f"{marker} was not compared after a lost answer" for marker in final.lost)


def orphans(final: Final) -> Iterator[str]:
    """Yield environments without an owner, ready ones that are gone, and suites that are still there."""
    yield from (f"environment {key} has no owner" for key in final.at_runner if key not in final.owned)
    yield from (f"environment {key} is ready, but gone" for key in final.ready if key not in final.at_runner)
    yield from (f"two deployments of {key} are still there" for key in final.former)
    yield from (f"tests of {key} are still there" for key in final.suites)


def pull_of(run: Run) -> str:
    """Return the pull request of a run, as the runner names it."""
    return f"{run.repo}!{run.number}"


def _who(event: RunnerEvent) -> str:
    return f"{event.lease} (run {event.holder.run}, attempt {event.holder.attempt})"


def _headline(body: str) -> str:
    return body.strip().partition("\n")[0][:100]


def _says(body: str, icons: Sequence[str]) -> bool:
    return body.removeprefix("<details>").strip().removeprefix("<summary>").startswith(tuple(icons))
