"""The lease of one replica: kept alive, lost for good, and those of the others watched.

Nobody asks a clock that others share. A replica raises a number in the store every `BEAT` seconds; whoever
sees a number stand still for `SILENCE` seconds of its own monotonic time declares that replica dead and frees
what it had in hand. A replica that could not raise its number for `DOUBT` seconds, which are fewer, must
think that this happened to itself, and drops everything before another takes it up.
"""

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.engine.metrics import UNMEASURED, Measures
from bot.engine.records import Records
from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost, Roll

logger = logging.getLogger(__name__)

BEAT = 1.5
DOUBT = 6.0
SILENCE = 9.0


class Seat(Protocol):
    """Where a replica sits on its machine, if nobody else does."""

    @property
    def name(self) -> str:
        """The name of the replica that sat there last; empty where nobody knows."""
        ...

    def remember(self, name: str) -> None:
        """Remember a name for whoever sits there next."""
        ...


@dataclass(slots=True)
class Membership:
    """One replica among those on its store."""

    records: Records
    dropped: Callable[[], Awaitable[None]]
    """Called when all that was in hand must be dropped; returns when that is done."""
    seat: Seat
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    measures: Measures = UNMEASURED
    roll: Roll = field(default_factory=lambda: Roll({}))
    _lease: Lease | None = None
    _kept_at: float = 0.0
    _watched: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Each other replica's number, and since when it has not grown."""

    @property
    def lease(self) -> Lease:
        """The lease in force. Raises LeaseLost while there is none, or it may have run out unnoticed."""
        if self._lease is None or self._in_doubt:
            raise LeaseLost
        return self._lease

    @property
    def leads(self) -> bool:
        """Whether this replica does what one does for all."""
        return self._lease is not None and not self._in_doubt and self.roll.leader == self._lease.replica

    @property
    def _in_doubt(self) -> bool:
        """Whether others may have taken this replica for dead: a process can stand still anywhere."""
        return self.monotonic() - self._kept_at > DOUBT

    async def join(self) -> None:
        """Enter under a name that nobody has had. Raises RetryLater(STORE_UNAVAILABLE)."""
        if before := self.seat.name:
            await self.records.replicas.leave(Lease(before))  # it was this process, or one that is dead
        name = f"{_plain(socket.gethostname())[:40]}-{secrets.token_hex(6)}"
        self.seat.remember(name)
        self._lease = await self.records.replicas.join(name)
        self._kept_at = self.monotonic()
        self.roll = await self.records.replicas.beat(self._lease)

    async def leave(self) -> None:
        """Give back what is in hand, so that others need not wait for it."""
        if self._lease is not None:
            lease, self._lease = self._lease, None
            try:
                await self.records.replicas.leave(lease)
            except RetryLater as error:
                logger.warning("this replica could not say that it leaves: %s", error)

    async def serve(self) -> None:
        """Keep the lease until cancelled."""
        while True:
            await self.sleep(BEAT)
            await self.look()

    async def look(self) -> None:
        """Raise this replica's number once, and judge the others."""
        try:
            if self._lease is None:
                await self.join()
            else:
                await self._beat(self._lease)
        except LeaseLost:
            logger.error("the others took this replica for dead: it drops what it had and starts anew")  # noqa: TRY400 - expected
            await self._drop()
        except RetryLater as error:
            logger.warning("the lease could not be renewed: %s", error)
            if self._lease is not None and self._in_doubt:
                logger.error("no lease for %.0f s: dropping what others may have taken up", DOUBT)  # noqa: TRY400 - expected
                await self._drop()

    async def _beat(self, lease: Lease) -> None:
        asked_at = self.monotonic()
        self.roll = await self.records.replicas.beat(lease)
        self._kept_at = asked_at
        for name in self._silent(lease):
            if await self.records.replicas.bury(name, self._watched[name][0]):
                logger.warning("replica %s is silent: its runs are taken over", name)
                self.measures.taken_over()

    def _silent(self, lease: Lease) -> list[str]:
        now = self.monotonic()
        others = {name: beat for name, beat in self.roll.beats.items() if name != lease.replica}
        self._watched = {
            name: self._watched[name] if self._watched.get(name, (None,))[0] == beat else (beat, now)
            for name, beat in others.items()
        }
        return [name for name, (_, since) in self._watched.items() if now - since > SILENCE]

    async def _drop(self) -> None:
        self._lease = None
        self.measures.lease_lost()
        await self.dropped()


def _plain(name: str) -> str:
    return name.encode("ascii", "replace").decode("ascii")
