"""Carries out the faults of a crash test."""

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from tests.crash.faults import Fault, Kind
from tests.crash.fleet import Replica
from tests.crash.gitee_link import GiteeLink, Trouble
from tests.crash.scene import Scene
from tests.crash.servers import ServerPair
from tests.crash.wire import COMMIT, Wire
from tests.faults.conftest import SmallDisk

IDLE = 3.0
"""Longest time in seconds to wait until a bot has work before it is killed."""
CATCHING = 5.0
"""Longest time in seconds to wait for a transaction in which to freeze a bot."""
FITTING = 60.0
"""Longest time in seconds to wait for a request that fits a fault of Gitee."""
WATCHING = 0.5
"""Seconds between two looks at a bot that has no faults left."""
MOST_MISSES = 5
"""Faults of Gitee in a row for which no request came: then people or bots do nothing any more."""
LONGEST = 600.0
"""Longest time in seconds that a fault may take; what starts and stops servers gives up earlier."""


@dataclass
class Nemesis:
    """Carries out a plan on the bots of a scene."""

    scene: Scene
    links: Sequence[GiteeLink]
    chance: random.Random
    wires: Sequence[Wire] = ()
    servers: ServerPair | None = None
    disk: SmallDisk | None = None
    frozen_inside: int = 0
    """How many bots were inside a transaction when they were frozen, according to PostgreSQL."""
    problems: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Why the faults ended early. Then each lane still undoes its present fault, and begins no other."""
    _lanes: dict[str, list[Fault]] = field(default_factory=dict)
    """The lanes that have not ended."""
    _misses: int = 0

    async def carry_out(self, faults: Sequence[Fault]) -> None:
        """Let all faults happen, those of different lanes at the same time; undo them in the end.

        No lane is cancelled because another one has failed: its bot or server would stay as it is, for ever.
        """
        for fault in faults:
            self._lanes.setdefault(fault.lane, []).append(fault)
        async with asyncio.TaskGroup() as group:
            for lane in tuple(self._lanes):
                group.create_task(self._one_after_the_other(lane))
            group.create_task(self._keep_running())
        for link in self.links:
            link.heal()
        for bot in self.scene.replicas:
            self._note_if_ended(bot)
        assert not self.failed, "\n".join(self.failed)

    async def _one_after_the_other(self, lane: str) -> None:
        for fault in self._lanes[lane]:
            await asyncio.sleep(fault.pause)
            if self.failed:
                break
            try:
                async with asyncio.timeout(LONGEST):
                    await self._act(fault)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other lanes end first
                self.failed.append(f"{lane}: “{fault.kind}” on bot {fault.replica} failed: {error!r}")
        del self._lanes[lane]

    async def _keep_running(self) -> None:
        """Start a bot again that ends during its start after its last fault, as its supervisor does.

        Without its store a bot cannot start. The faults of Gitee would wait for its requests in vain.
        """
        while self._lanes:
            for index, bot in enumerate(self.scene.replicas):
                if f"bot {index}" not in self._lanes and not bot.alive and not bot.ended_at_work:
                    bot.start()
            await asyncio.sleep(WATCHING)

    async def _act(self, fault: Fault) -> None:
        if isinstance(fault.kind, Trouble):
            await self._trouble(fault, fault.kind)
            return
        ways: dict[Kind, Callable[[Fault], Awaitable[None]]] = {
            Kind.KILLED: partial(self._end, Replica.kill),
            Kind.TERMINATED: partial(self._end, Replica.terminated),
            Kind.FROZEN: self._freeze,
            Kind.FROZEN_INSIDE: self._freeze_inside,
            Kind.MUTE: partial(self._mute, sent=True, received=True),
            Kind.REQUESTS_LOST: partial(self._mute, sent=True, received=False),
            Kind.ANSWERS_LOST: partial(self._mute, sent=False, received=True),
            Kind.RESENT: self._resend,
            Kind.LOCKED: self._lock,
            Kind.FULL: self._fill,
        }
        await ways.get(fault.kind, self._disturb_store)(fault)

    async def _trouble(self, fault: Fault, trouble: Trouble) -> None:
        if await self.links[fault.replica].trouble(trouble, fault.seconds, fault.times, FITTING):
            self._misses = 0
            self.scene.history.fault(trouble, begins=True, pid=self._bot(fault).pid)
            return
        self._misses += 1
        assert self._misses < MOST_MISSES, f"no request came for {MOST_MISSES} faults of Gitee in a row"

    def _bot(self, fault: Fault) -> Replica:
        return self.scene.replicas[fault.replica]

    @contextmanager
    def _happens(self, fault: Fault, pid: int = 0) -> Iterator[None]:
        self.scene.history.fault(fault.kind, begins=True, pid=pid, detail=f"{fault.seconds:.1f} s")
        try:
            yield
        finally:
            self.scene.history.fault(fault.kind, begins=False, pid=pid)

    @contextmanager
    def _frozen(self, fault: Fault, bot: Replica) -> Iterator[None]:
        with self._happens(fault, bot.pid):
            bot.freeze()
            try:
                yield
            finally:
                bot.thaw()

    async def _at_work(self, fault: Fault) -> Replica:
        """Return the bot, once it is alive, and mostly once it is ready and has work."""
        bot = self._bot(fault)
        if fault.ready_first or not bot.alive:
            await bot.supervised()
            with suppress(TimeoutError):
                await self.scene.until(partial(self.scene.is_at_work, bot), IDLE)
        return bot

    async def _end(self, how: Callable[[Replica], Awaitable[object]], fault: Fault) -> None:
        bot = await self._at_work(fault)
        await asyncio.sleep(fault.seconds)
        self._note_if_ended(bot)
        if bot.alive:  # Otherwise it had no store when it started.
            with self._happens(fault, bot.pid):
                await how(bot)
        bot.start()

    async def _freeze(self, fault: Fault) -> None:
        bot = await self._at_work(fault)
        with self._frozen(fault, bot):
            await self._count_transactions(bot)
            await asyncio.sleep(fault.seconds)

    async def _freeze_inside(self, fault: Fault) -> None:
        """Freeze a bot that is about to commit; its commit leaves the machine only when it goes on."""
        bot, wire = await self._at_work(fault), self.wires[fault.replica]
        frozen = asyncio.Event()

        def freeze() -> None:
            bot.freeze()
            frozen.set()

        released = wire.catch(COMMIT, freeze)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(CATCHING):
                    await frozen.wait()
            wire.forget(COMMIT)
            with self._frozen(fault, bot):
                await self._count_transactions(bot)
                await asyncio.sleep(fault.seconds)
        finally:
            released.set()

    async def _count_transactions(self, bot: Replica) -> None:
        if self.servers is not None:
            self.frozen_inside += await asyncio.to_thread(self.servers.open_transactions, bot.lease) > 0

    async def _mute(self, fault: Fault, *, sent: bool, received: bool) -> None:
        bot, wire = await self._at_work(fault), self.wires[fault.replica]
        with self._happens(fault, bot.pid):
            wire.holds_sent, wire.holds_received = sent, received
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                wire.mute = False

    async def _resend(self, fault: Fault) -> None:
        """Send any earlier webhook again."""
        if sent := self.scene.gitee.deliveries:
            with self._happens(fault):
                self.scene.gitee.webhooks.redeliver(self.chance.choice(sent))

    async def _disturb_store(self, fault: Fault) -> None:
        servers = self.servers
        assert servers is not None
        begin, end = {
            Kind.RESTARTED: (servers.primary.stop, servers.primary.start),
            Kind.CRASHED: (servers.primary.crash, servers.primary.start),
            Kind.STOPPED: (servers.freeze, servers.thaw),
            Kind.READ_ONLY: (servers.make_read_only, servers.make_writable),
            Kind.FAILED_OVER: (servers.primary.crash, servers.fail_over),
        }[Kind(fault.kind)]
        with self._happens(fault):
            try:
                await asyncio.to_thread(begin)
                await asyncio.sleep(fault.seconds / 2)
            finally:  # The servers are to be removed, and what asks a frozen one never ends.
                await asyncio.to_thread(end)
        if fault.kind is Kind.FAILED_OVER:
            self.scene.store_url = servers.url
            for wire in self.wires:
                wire.url = servers.url
            await asyncio.to_thread(servers.add_standby)

    async def _lock(self, fault: Fault) -> None:
        """Hold the write lock of the SQLite file, as another program does."""
        with self._happens(fault):
            connection = sqlite3.connect(
                self.scene.store_url.removeprefix("sqlite:///"), isolation_level=None, timeout=0
            )
            with suppress(sqlite3.OperationalError):  # It is busy already.
                connection.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(fault.seconds)
            connection.close()

    async def _fill(self, fault: Fault) -> None:
        assert self.disk is not None
        with self._happens(fault):
            await asyncio.to_thread(self.disk.fill)
            await asyncio.sleep(fault.seconds)
            self.disk.free()

    def _note_if_ended(self, bot: Replica) -> None:
        if bot.ended_at_work:
            self.problems.append(f"the bot on port {bot.port} has ended by itself")
