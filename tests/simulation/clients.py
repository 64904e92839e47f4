"""How a replica reaches the model of PostgreSQL: its pool, the session of its lease, and one that listens."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from bot.model.errors import RetryLater
from bot.model.queue import Queue
from bot.store import leases
from bot.store.database import Database
from bot.store.notifications import WAIT_SECONDS
from bot.store.session import ANSWER_SECONDS, Session
from tests.simulation.loop import PROCESS
from tests.simulation.network import Link, Network
from tests.simulation.postgresql import LeaseStatements, Server, Wire, away

T = TypeVar("T")

MUTE_SECONDS = 11.0
"""Seconds after which a client ends a connection that does not answer: `tcp_user_timeout`, and keepalives."""
URL_OF_MODEL = "postgresql://model"


class ModelSession(Session):
    """The session of a lease at the model."""

    def __init__(self, server: Server, network: Network, link: Link, name: str) -> None:
        self._server = server
        self._network = network
        self._link = link
        self._wire = Wire(name)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work`; see `Session.run`."""
        wire = self._wire

        def arrived() -> T:
            statements: Any = LeaseStatements(self._server, self._server.backend(wire))
            return work(statements)

        try:
            return await self._network.ask(
                self._link, arrived, patience=ANSWER_SECONDS, unanswered=lambda: away("no answer in time")
            )
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """End the session; the next statement begins another one."""
        wire, self._wire = self._wire, Wire(self._wire.name)
        self._network.tell(self._link, lambda: self._server.hang_up(wire))


class ModelDatabase(Database):
    """The pool of connections of one replica to the model."""

    def __init__(self, server: Server, network: Network, link: Link) -> None:
        self.single_process = False
        self._server = server
        self._network = network
        self._link = link
        self._wire = Wire("chatops")

    async def migrate(self) -> None:
        """Do nothing: the tables are there."""

    async def check(self) -> None:
        """Do nothing: the tables are there."""

    async def close(self) -> None:
        """Do nothing."""

    async def begin_again(self, name: str) -> None:
        """Replace all connections; what waits for an answer fails."""
        self._wire.cut()
        self.hang_up()
        self._wire.name = name

    def hang_up(self) -> None:
        """End the connections, as the kernel does for a process that ends."""
        wire, self._wire = self._wire, Wire(self._wire.name)
        self._network.tell(self._link, lambda: self._server.hang_up(wire))

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction."""
        return await self._ask(work, writes=True)

    async def autocommit(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which is one statement on PostgreSQL, and more on SQLite."""
        return await self._ask(work, writes=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which changes nothing."""
        return await self._ask(work, writes=False)

    async def _ask(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        if self._wire.ended:
            self._wire = Wire(self._wire.name)  # the pool notices it before it uses a connection
        wire, process = self._wire, PROCESS.get()
        return await self._network.ask(
            self._link,
            lambda: self._server.transact(wire, work, process, writes=writes),
            patience=MUTE_SECONDS,
            unanswered=lambda: away("the connection does not answer"),
            answers=wire.answers,
        )


class ModelNotifications:
    """A session that listens at the model; see `bot.store.notifications.Notifications`."""

    def __init__(self, server: Server, network: Network, link: Link) -> None:
        self._server = server
        self._network = network
        self._link = link
        self._wire = Wire("chatops notifications")
        self._pending: set[Queue] = set()
        self._received = asyncio.Event()

    async def changed(self) -> frozenset[Queue]:
        """Return the queues that have changed, or none of them after some time."""
        wire, self._received = self._wire, asyncio.Event()
        if self._pending:
            self._received.set()
        try:
            new = await self._network.ask(
                self._link,
                lambda: self._server.listen(wire, self._tell),
                patience=ANSWER_SECONDS,
                unanswered=lambda: away("no answer in time"),
            )
        except RetryLater:
            self.close()
            raise
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if new else WAIT_SECONDS):
                await self._received.wait()
        found, self._pending = frozenset(Queue if new else self._pending), set()
        return found

    def close(self) -> None:
        """End the session; the next call begins another one."""
        wire, self._wire = self._wire, Wire(self._wire.name)
        self._network.tell(self._link, lambda: self._server.hang_up(wire))

    def _tell(self, queue: Queue) -> None:
        self._network.send(self._link, lambda: self._receive(queue))

    def _receive(self, queue: Queue) -> None:
        self._pending.add(queue)
        self._received.set()


def model_replicas(
    server: Server, network: Network, link: Link, database: Database
) -> leases.SessionReplicas:
    """Return the members as one replica sees them, with its session at the model."""

    def session(_url: URL, name: str) -> Session:
        return ModelSession(server, network, link, name)

    return leases.SessionReplicas(database, URL_OF_MODEL, session=session)
