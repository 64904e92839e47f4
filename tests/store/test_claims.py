"""Replicas that claim at the same time, stopped at every point: no limit is broken, and one always wins.

Each claim is a coroutine that stops before each access to the database; Hypothesis chooses which one goes on.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, delete, insert, select, update
from sqlalchemy.engine import make_url

from bot.core.admission.inbox import RETRY_SPACING
from bot.core.runs import scheduling
from bot.core.runs.scheduling import RunLimits
from bot.model.delivery import DeliveryState, Trigger
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.pipeline import RunnerName
from bot.model.plan import Plan
from bot.model.queue import QueueEntry
from bot.model.reason import Reason
from bot.model.run import Origin, Run, RunState, StopRequest
from bot.model.text import Language
from bot.store import runs, schema
from bot.store.codec import pack
from bot.store.database import Database
from bot.store.deliveries import Inbox
from bot.store.runs import Runs, _queue
from tests.store.values import NOW, SHA, delivery

T = TypeVar("T")

REPLICAS = ("one", "two", "three")
REPOS = (RepoPath("team", "shop"), RepoPath("team", "cart"))
RUNNERS = (RunnerName.DOCKER, RunnerName.KUBERNETES)
RUN = Run(0, REPOS[0], 1, SHA, Plan(()), Origin(Trigger.OPEN, ""), Language.EN, NOW)
TABLES = (schema.runs, schema.deliveries, schema.replicas, schema.queues)


class Pause:
    """Lets the others go on."""

    def __await__(self) -> Generator[None, None, None]:
        yield


@dataclass(frozen=True)
class SteppedDatabase:
    """Pauses before each access."""

    connection: Connection

    async def read(self, work: Callable[[Connection], T]) -> T:
        await Pause()
        return self.now(work)

    autocommit = read

    def now(self, work: Callable[[Connection], T]) -> T:
        with self.connection.begin():
            return work(self.connection)


@pytest.fixture
def engine(request: pytest.FixtureRequest, kind: str) -> Iterator[Engine]:
    if kind == "sqlite":
        made = create_engine("sqlite://")
    else:
        url = make_url(request.getfixturevalue("postgres_url")).set(drivername="postgresql+psycopg")
        made = create_engine(url, isolation_level="AUTOCOMMIT")
    schema.metadata.create_all(made)
    yield made
    made.dispose()


on_both = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
EXAMPLES = {"sqlite": 150, "postgresql": 25}
schedules = st.lists(st.integers(0, 99), max_size=40)


@contextmanager
def database(engine: Engine, *replicas: str) -> Iterator[SteppedDatabase]:
    """Open an empty database with these replicas."""
    with engine.connect() as connection:
        found = SteppedDatabase(connection)
        for table in TABLES:
            found.now(partial(Connection.execute, statement=delete(table)))
        found.now(
            lambda connection: connection.execute(insert(schema.replicas), [{"name": n} for n in replicas])
        )
        yield found


def interleave(
    tasks: Sequence[Coroutine[Any, Any, T]], schedule: Sequence[int], between: Callable[[], None]
) -> list[T]:
    """Step the tasks in this order, then in turn; return their results."""
    results: dict[int, T] = {}
    order = iter(schedule)
    for count in range(1000):
        waiting = [index for index in range(len(tasks)) if index not in results]
        if not waiting:
            return [results[index] for index in range(len(tasks))]
        chosen = waiting[next(order, count) % len(waiting)]
        try:
            tasks[chosen].send(None)
        except StopIteration as done:
            results[chosen] = done.value
        between()
    raise AssertionError("they only disturb each other")


# Runs


@st.composite
def entries(draw: st.DrawFn) -> tuple[QueueEntry, ...]:
    """Draw waiting runs, some of which were started or shall stop."""
    waiting = st.builds(
        QueueEntry,
        id=st.just(0),
        repo=st.sampled_from(REPOS),
        number=st.integers(1, 3),
        runners=st.frozensets(st.sampled_from(RUNNERS), max_size=2),
        started=st.booleans(),
        removes_only=st.booleans(),
        stopping=st.sampled_from([False, False, True]),
    )
    found = draw(st.lists(waiting, min_size=1, max_size=8))
    pulls = [(entry.repo, entry.number) for entry in found]
    # The runs of a pull request start one after the other.
    return tuple(
        replace(entry, started=entry.started and pulls.index(pull) == index)
        for index, (entry, pull) in enumerate(zip(found, pulls, strict=True))
    )


limits = st.builds(
    RunLimits,
    runs=st.integers(1, 4),
    per_repository=st.integers(1, 3),
    per_runner=st.dictionaries(st.sampled_from(RUNNERS), st.integers(1, 2)),
)


def add(connection: Connection, entry: QueueEntry) -> None:
    stopping = pack(StopRequest(Reason.CANCELLED)) if entry.stopping else None
    row = {
        "repo": str(entry.repo),
        "number": entry.number,
        "state": RunState.RUNNING if entry.started else RunState.QUEUED,
        "data": pack(replace(RUN, repo=entry.repo, number=entry.number)),
        "runners": ",".join(sorted(entry.runners)),
        "started": entry.started,
        "removes_only": entry.removes_only,
        **({"stop_request": stopping} if stopping else {}),
    }
    connection.execute(insert(schema.runs).values(**row))


def check(queue: Sequence[QueueEntry], most: RunLimits) -> None:
    """Fail if a limit is broken. What only must end is exempt from all but the order of its pull request."""
    held = [entry for entry in queue if entry.held]
    working = [entry for entry in held if not entry.stopping]
    assert len(working) <= most.runs
    assert max(Counter(entry.repo for entry in working).values(), default=0) <= most.per_repository
    for runner, count in most.per_runner.items():
        assert sum(runner in entry.runners for entry in working) <= count
    pulls = Counter((entry.repo, entry.number) for entry in held if entry.started or not entry.stopping)
    assert max(pulls.values(), default=0) <= 1


Event = Callable[..., object]


def ask(connection: Connection, entry: QueueEntry) -> None:
    add(connection, replace(entry, started=False, stopping=False))


def stop(connection: Connection, entry: QueueEntry) -> None:
    runs.request_stop(connection, (entry.id,), StopRequest(Reason.CANCELLED))


def begin(connection: Connection, entry: QueueEntry) -> None:
    if entry.held and not entry.stopping:
        connection.execute(update(schema.runs).where(schema.runs.c.id == entry.id).values(started=True))


def release(connection: Connection, entry: QueueEntry) -> None:
    connection.execute(update(schema.runs).where(schema.runs.c.id == entry.id).values(holder=None))


def end(connection: Connection, entry: QueueEntry) -> None:
    ended = {"state": RunState.PASSED, "holder": None}
    if entry.held:
        connection.execute(update(schema.runs).where(schema.runs.c.id == entry.id).values(**ended))


def evict(connection: Connection, entry: QueueEntry) -> None:
    connection.execute(delete(schema.replicas).where(schema.replicas.c.name == entry.holder))


events = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from([ask, stop, begin, release, end, evict])), max_size=8
)


async def happen(stepped: SteppedDatabase, what: Sequence[tuple[int, Event]]) -> tuple[Run, ...]:
    """Change the queue as replicas and people do beside the claims."""
    for number, event in what:
        await Pause()
        if queue := stepped.now(_queue)[1]:
            stepped.now(partial(event, entry=queue[number % len(queue)]))
    return ()


@on_both
def test_limits_hold_however_claims_of_runs_meet(engine: Engine) -> None:
    @settings(max_examples=EXAMPLES[engine.dialect.name])
    @given(
        entries(),
        limits,
        st.integers(1, 4),
        st.lists(st.booleans(), min_size=2, max_size=3),
        events,
        schedules,
    )
    def holds(  # noqa: PLR0917 - Hypothesis gives them by position
        waiting: tuple[QueueEntry, ...],
        most: RunLimits,
        share: int,
        full_disks: list[bool],
        beside: list[tuple[int, Event]],
        schedule: list[int],
    ) -> None:
        def choose(queue: Sequence[QueueEntry], *, disk_full: bool) -> tuple[int, ...]:
            own = replace(most, disk_full=disk_full)
            return (*scheduling.ending(queue), *scheduling.startable(queue, own)[:share])

        choices = {
            name: partial(choose, disk_full=full) for name, full in zip(REPLICAS, full_disks, strict=False)
        }
        with database(engine, *choices) as stepped:
            for entry in waiting:
                stepped.now(partial(add, entry=entry))
            queue = stepped.now(_queue)[1]
            first = [set(ids) for each in choices.values() if (ids := each(queue))]
            store = Runs(cast("Database", stepped))
            claims = [store.claim(Lease(name), each) for name, each in choices.items()]
            found = interleave(
                (*claims, happen(stepped, beside)), schedule, lambda: check(stepped.now(_queue)[1], most)
            )
            if beside:
                return
            claimed = {run.id: name for name, each in zip(REPLICAS, found, strict=False) for run in each}
            assert claimed == {e.id: e.holder for e in stepped.now(_queue)[1] if e.held}
            assert len(claimed) == sum(map(len, found)), "nothing is claimed twice"
            assert not first or any(claimed.keys() >= ids for ids in first), "one gets all that it chose"

    holds()


# Deliveries


def pending(connection: Connection, key: str, number: int, due_in: int) -> None:
    row = {
        "key": key,
        "repo": "team/shop",
        "number": number,
        "state": DeliveryState.PENDING,
        "due_at": NOW + timedelta(seconds=due_in),
        "ending": "",
        "data": pack(delivery(key)),
    }
    connection.execute(insert(schema.deliveries).values(**row))


def held_deliveries(connection: Connection) -> list[tuple[int, str, str]]:
    columns = (schema.deliveries.c.number, schema.deliveries.c.key, schema.deliveries.c.holder)
    return [tuple(row) for row in connection.execute(select(*columns)) if row.holder]


@on_both
def test_a_pull_request_has_one_decision_at_a_time_however_claims_meet(engine: Engine) -> None:
    """Replicas with different clocks see different deliveries as due."""

    @settings(max_examples=EXAMPLES[engine.dialect.name])
    @given(
        st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=8),
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=2, max_size=3),
        schedules,
    )
    def holds(waiting: list[tuple[int, int]], claimers: list[tuple[int, int]], schedule: list[int]) -> None:
        with database(engine, *REPLICAS[: len(claimers)]) as stepped:
            for key, (number, due_in) in enumerate(waiting):
                stepped.now(partial(pending, key=str(key), number=number, due_in=due_in))
            inbox = Inbox(cast("Database", stepped))

            def check_pulls() -> None:
                pulls = Counter(number for number, *_ in stepped.now(held_deliveries))
                assert max(pulls.values(), default=0) <= 1

            claims = [
                inbox.claim(Lease(name), NOW + timedelta(seconds=clock), room)
                for name, (clock, room) in zip(REPLICAS, claimers, strict=False)
            ]
            found = interleave(claims, schedule, check_pulls)
            claimed = {
                (one.key, name) for name, each in zip(REPLICAS, found, strict=False) for one, _ in each
            }
            assert claimed == {(key, holder) for _, key, holder in stepped.now(held_deliveries)}
            assert len(claimed) == sum(map(len, found)), "nothing is claimed twice"
            due = {number for number, due_in in waiting if due_in <= min(clock for clock, _ in claimers)}
            assert len(claimed) >= min(len(due), *(room for _, room in claimers)), "one of them wins"

    holds()


@on_both
def test_denied_deliveries_are_spaced_however_denials_meet(engine: Engine) -> None:
    @settings(max_examples=10)
    @given(schedules)
    def holds(schedule: list[int]) -> None:
        with database(engine, *REPLICAS) as stepped:
            for key, name in enumerate(REPLICAS):
                stepped.now(partial(pending, key=str(key), number=key, due_in=0))
                holder = update(schema.deliveries).where(schema.deliveries.c.key == str(key))
                stepped.now(partial(Connection.execute, statement=holder.values(holder=name)))
            inbox = Inbox(cast("Database", stepped))
            denials = [
                inbox.deny(delivery(str(key)), Lease(name), NOW, NOW) for key, name in enumerate(REPLICAS)
            ]
            found = interleave(denials, schedule, lambda: None)
            assert set(found) == {NOW + RETRY_SPACING * number for number in range(3)}

    holds()
