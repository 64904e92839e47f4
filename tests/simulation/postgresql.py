"""A model of PostgreSQL: its sessions, its advisory locks and its clock, in front of SQLite in memory.

Everything that `bot/store/` asks of both databases is executed by SQLite, as it stands there. Only the six
statements of `bot/store/leases.py` are modelled here. `test_conformance.py` asserts the same of this
model and of the real server. Transactions are serial here: they are executed when they arrive, as a whole.
"""

import asyncio
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, TextClause, create_engine, event
from sqlalchemy.pool import StaticPool

from bot.model.errors import RetryLater
from bot.model.queue import Queue
from bot.model.reason import Reason
from bot.store import leases, schema
from bot.store.session import SESSION_SECONDS
from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.network import Peer

T = TypeVar("T")

EPOCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = "chatops"


def away(why: str) -> RetryLater:
    """Return the error of a database that is away."""
    return RetryLater(Reason.STORE_UNAVAILABLE, {"message": why})


@dataclass(eq=False, slots=True)
class Wire:
    """One connection, as client and server see it; a pool counts as one."""

    name: str
    ended: bool = False
    """Whether the server has ended it."""
    answers: list["asyncio.Future[Any]"] = field(default_factory=list)
    """What the client waits for on it."""

    def cut(self) -> None:
        """Close it at the client, where all that waits for an answer fails."""
        for answer in self.answers:
            if not answer.done():
                answer.set_result(away("the connection was cut"))


@dataclass(eq=False, slots=True)
class Backend:
    """The server's side of the session of a lease."""

    wire: Wire
    started: datetime
    last: float
    """When its last statement ended, on a clock that nobody sets."""
    locks: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Member:
    """The row of a replica."""

    sequence: int
    renewed_at: datetime

    def move(self, seconds: float, now: datetime) -> None:
        """Let it have renewed so many seconds from now."""
        self.renewed_at = now + timedelta(seconds=seconds)


class Server(Peer):
    """One PostgreSQL. There is one at a time in a process, because they share the tables in memory."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self.loop = loop
        self.sql = _empty_tables()
        self.backends: list[Backend] = []
        self.pools: list[Wire] = []
        self.known: dict[object, Any] = {}
        self.listeners: dict[Wire, Callable[[Queue], None]] = {}
        self._notified: dict[Queue, None] = {}
        self.down = False
        self.read_only = False
        self.clock_offset = 0.0
        self.members: dict[str, Member] = {}
        """The rows of replicas, which the table in memory has too, for what `bot/store/` joins with it."""
        self.sequence = 0
        self.written: Callable[[Process | None], None] = lambda _: None
        """Called after each change."""

    def now(self) -> datetime:
        """Return the time of the server's clock."""
        return EPOCH + timedelta(seconds=self.loop.time() + self.clock_offset)

    def start(self) -> None:
        """Accept connections again."""
        self.down = False

    def freeze(self, seconds: float) -> None:
        """Do nothing for so long; what has arrived is done afterwards."""
        self.busy_until = self.loop.time() + seconds

    def move_clock(self, seconds: float) -> None:
        """Set the clock."""
        self.clock_offset += seconds

    def crash(self) -> None:
        """End all connections, as a crash or a failover does, and accept none until it is started."""
        self.down = True
        for wire in (*self.pools, *(one.wire for one in self.backends)):
            wire.ended = True
        self.backends.clear()
        self.pools.clear()

    def end(self, name: str) -> int:
        """End the connections with this name; return how many there were."""
        found = [one for one in (*self.pools, *(one.wire for one in self.living())) if one.name == name]
        for wire in found:
            self.hang_up(wire)
        return len(found)

    def hang_up(self, wire: Wire) -> None:
        """End one connection."""
        wire.ended = True
        self.backends = [one for one in self.backends if one.wire is not wire]
        self.pools = [one for one in self.pools if one is not wire]

    def living(self) -> list[Backend]:
        """Return the sessions of leases, after ending those that were idle for too long."""
        for one in self.backends:
            if self.loop.time() - one.last >= SESSION_SECONDS:
                one.wire.ended = True
        self.backends = [one for one in self.backends if not one.wire.ended]
        return self.backends

    def transact(
        self, wire: Wire, work: Callable[[Connection], T], process: Process | None, *, writes: bool
    ) -> T:
        """Execute a transaction of a process that has arrived."""
        self._accept(wire, self.pools)
        if not writes:
            return self._read(work)
        self.check_writable()
        self.sql.exec_driver_sql("BEGIN")
        try:
            found = work(self.sql)
        except BaseException:
            self.sql.exec_driver_sql("ROLLBACK")
            self._notified.clear()
            raise
        self.sql.exec_driver_sql("COMMIT")
        self.committed(process)
        return found

    def notify(self, _connection: Connection, queue: Queue) -> None:
        """Notify those who listen when this transaction is committed."""
        self._notified[queue] = None

    def committed(self, process: Process | None) -> None:
        """Report a change, and send the notifications of its transaction."""
        notified, self._notified = self._notified, {}
        for wire, tell in [*self.listeners.items()]:
            for queue in notified:
                if not wire.ended:
                    tell(queue)
        self.known.clear()
        self.written(process)

    def listen(self, wire: Wire, tell: Callable[[Queue], None]) -> bool:
        """Begin to listen on a connection; return whether it did not before."""
        self._accept(wire, self.pools)
        self.listeners = {known: to for known, to in self.listeners.items() if not known.ended}
        new = wire not in self.listeners
        self.listeners[wire] = tell
        return new

    def _read(self, work: Callable[[Connection], T]) -> T:
        """Read; what has no parameters, as the queue, is remembered until the next change, to save time."""
        if getattr(work, "__closure__", ()):
            return work(self.sql)
        if work not in self.known:
            self.known[work] = work(self.sql)
        found: T = self.known[work]
        return found

    def backend(self, wire: Wire) -> Backend:
        """Return the session on a connection, which begins with its first statement."""
        self.living()
        self._accept(wire, ())
        found = next((one for one in self.backends if one.wire is wire), None)
        if found is None:
            found = Backend(wire, self.now(), self.loop.time())
            self.backends.append(found)
        found.last = self.loop.time()
        return found

    def holder(self, member: "Member") -> Backend | None:
        """Return the session that holds the lock of a member."""
        return next((one for one in self.living() if member.sequence in one.locks), None)

    def _accept(self, wire: Wire, known: Sequence[Wire]) -> None:
        if self.down:
            raise away("the server is down")
        if wire.ended:
            raise away("the server has ended the connection")
        if isinstance(known, list) and wire not in known:
            known.append(wire)

    def check_writable(self) -> None:
        """Raise what a read-only server answers."""
        if self.read_only:
            raise away("cannot execute this in a read-only transaction")


@dataclass(frozen=True)
class Answer:
    """Rows of a statement."""

    rows: Sequence[Any] = ()
    returns_rows = True

    def all(self) -> Sequence[Any]:
        """Return all rows."""
        return self.rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)


Joined = namedtuple("Joined", "locked account ends_after")  # noqa: PYI024 - rows have no types either
Renewed = namedtuple("Renewed", "name mine holds silent")  # noqa: PYI024


class LeaseStatements:
    """The statements of `bot/store/leases.py`, as PostgreSQL understands them."""

    def __init__(self, server: Server, backend: Backend) -> None:
        self._server = server
        self._backend = backend

    def execute(self, statement: TextClause, values: dict[str, Any]) -> Answer:
        """Execute one of them."""
        known: dict[TextClause, Callable[..., Answer]] = {
            leases._JOIN: self._join,
            leases._RENEW: self._renew,
            leases._LOCK: self._lock,
            leases._END_HOLDER: self._end_holder,
            leases._EVICT: self._evict,
            leases._LEAVE: self._leave,
        }
        if statement not in {leases._LOCK, leases._END_HOLDER}:
            self._server.check_writable()
        answer = known[statement](**{key: value for key, value in values.items() if key != "members"})
        if statement is not leases._RENEW:
            self._server.committed(None)
        return answer

    def _join(self, name: str) -> Answer:
        self._server.sequence += 1
        member = Member(self._server.sequence, self._server.now())
        self._server.members[name] = member
        values = (member.sequence, name, member.renewed_at.isoformat(" "))
        self._server.sql.exec_driver_sql("INSERT INTO replicas VALUES (?, ?, ?)", values)
        return Answer([Joined(self._try_lock(member), ACCOUNT, f"{SESSION_SECONDS}s")])

    def _renew(self, name: str, silent: float) -> Answer:
        if name in self._server.members:
            self._server.members[name].renewed_at = self._server.now()
        rows = []
        for other, member in self._server.members.items():
            holds = self._server.holder(member) is self._backend
            rows.append(Renewed(other, other == name, holds, self._gone(member, silent)))
        return Answer(rows)

    def _lock(self, name: str) -> Answer:
        member = self._server.members.get(name)
        return Answer([(self._try_lock(member),)] if member else [])

    def _end_holder(self, name: str) -> Answer:
        member = self._server.members.get(name)
        holder = self._server.holder(member) if member else None
        if holder is None or holder is self._backend:
            return Answer()
        self._server.hang_up(holder.wire)
        return Answer([(True,)])

    def _evict(self, name: str, dead: bool, silent: float) -> Answer:  # noqa: FBT001 - as the statement has it
        member = self._server.members.get(name)
        if member is None or not (self._free(member) if dead else self._gone(member, silent)):
            return Answer()
        self._leave(name)
        return Answer([(name, self._server.end(name))])

    def _leave(self, name: str) -> Answer:
        if self._server.members.pop(name, None) is not None:
            for queue in Queue:
                self._server.notify(self._server.sql, queue)
        self._server.sql.exec_driver_sql("DELETE FROM replicas WHERE name = ?", (name,))
        return Answer()

    def _try_lock(self, member: Member) -> bool:
        free = self._free(member)
        if free:
            self._backend.locks.add(member.sequence)
        return free

    def _free(self, member: Member) -> bool:
        """Whether this session can have the lock of a member."""
        return self._server.holder(member) in {None, self._backend}

    def _gone(self, member: Member, silent: float) -> bool:
        """Whether a member is to be evicted."""
        now, most = self._server.now(), timedelta(seconds=silent)
        fresh = now - most <= member.renewed_at <= now
        return self._free(member) and not fresh and most <= now - self._backend.started


_TABLES: list[Connection] = []


def _empty_tables() -> Connection:
    """Return the only connection to the tables in memory, which are empty."""
    if not _TABLES:
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _without_transactions)
        event.listen(engine, "before_cursor_execute", _with_account, retval=True)
        schema.metadata.create_all(engine)
        _TABLES.append(engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
    for table in schema.metadata.tables:
        _TABLES[0].exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - constants
    _TABLES[0].exec_driver_sql(
        "INSERT INTO store_identities VALUES (1, 'simulate', ?)", (EPOCH.isoformat(" "),)
    )
    return _TABLES[0]


def _without_transactions(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None


def _with_account(_1: object, _2: object, statement: str, values: object, *_: object) -> tuple[str, object]:
    return statement.replace("current_user", f"'{ACCOUNT}'"), values
