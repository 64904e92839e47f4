"""The lease of this replica, and eviction of replicas that have stalled.

No clock is compared. A replica increments its heartbeat in the store every `HEARTBEAT_INTERVAL` seconds. A
replica whose heartbeat does not change for `EVICT_AFTER` seconds of another replica's monotonic time is
evicted by that one, which releases everything that it held. A replica that could not write its heartbeat for
`SELF_FENCE_AFTER` seconds, which is less, must assume that it is being evicted, and stops its work before
another replica takes it over.
"""

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.engine.metrics import NO_METRICS, Metrics
from bot.engine.records import ReplicaRecords
from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost, Members

logger = logging.getLogger(__name__)

HEARTBEAT_INTERVAL = 1.5
SELF_FENCE_AFTER = 6.0
EVICT_AFTER = 9.0


class InstanceLock(Protocol):
    """The lock of a data folder, and the name of the replica that held it last."""

    @property
    def name(self) -> str:
        """Name of the last holder; empty if unknown."""
        ...

    def remember(self, name: str) -> None:
        """Store the name for the next holder."""
        ...


@dataclass(slots=True)
class Membership:
    """The membership of this replica."""

    replicas: ReplicaRecords
    instance_lock: InstanceLock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic
    metrics: Metrics = NO_METRICS
    members: Members = field(default_factory=lambda: Members({}))
    _lease: Lease | None = None
    _renewed_at: float = 0.0
    _callbacks: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _watched: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Heartbeat of each other replica, and the time at which it was first seen."""

    @property
    def lease(self) -> Lease:
        """The present lease. Raises LeaseLost if there is none, or if it may have ended unnoticed."""
        if self._lease is None or self._may_be_evicted:
            raise LeaseLost
        return self._lease

    @property
    def leads(self) -> bool:
        """Whether this replica is the leader, which runs the periodic tasks for all."""
        return (
            self._lease is not None
            and not self._may_be_evicted
            and self.members.leader == self._lease.replica
        )

    @property
    def _may_be_evicted(self) -> bool:
        """Whether others may have evicted this replica, because it hung or could not reach the store."""
        return self.monotonic() - self._renewed_at > SELF_FENCE_AFTER

    def on_lease_lost(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Register a callback for a lost lease. It stops its owner's work and returns when that is done."""
        self._callbacks.append(callback)

    async def join(self) -> None:
        """Join under a new name. Raises RetryLater(STORE_UNAVAILABLE)."""
        if before := self.instance_lock.name:
            await self.replicas.leave(Lease(before))  # This process, or one that has ended.
        name = f"{_plain(socket.gethostname())[:40]}-{secrets.token_hex(6)}"
        self.instance_lock.remember(name)
        self._lease = await self.replicas.join(name)
        self._renewed_at = self.monotonic()
        self.members = await self.replicas.heartbeat(self._lease)

    async def leave(self) -> None:
        """Release everything, so that others need not wait until the lease ends."""
        if self._lease is not None:
            lease, self._lease = self._lease, None
            try:
                await self.replicas.leave(lease)
            except RetryLater as error:
                logger.warning(
                    "this replica could not leave, others take over when its lease ends: %s", error
                )

    async def serve(self) -> None:
        """Renew the lease until cancelled."""
        while True:
            await self.sleep(HEARTBEAT_INTERVAL)
            await self.renew()

    async def renew(self) -> None:
        """Write one heartbeat, and evict replicas that have stalled."""
        try:
            if self._lease is None:
                await self.join()
            else:
                await self._heartbeat(self._lease)
        except LeaseLost:
            logger.error("this replica was evicted: it stops its work and joins again")  # noqa: TRY400 - expected
            await self._drop()
        except RetryLater as error:
            logger.warning("the lease could not be renewed, retry in %.1f s: %s", HEARTBEAT_INTERVAL, error)
            if self._lease is not None and self._may_be_evicted:
                logger.error("no heartbeat for %.0f s: this replica stops its work", SELF_FENCE_AFTER)  # noqa: TRY400 - expected
                await self._drop()

    async def _heartbeat(self, lease: Lease) -> None:
        asked_at = self.monotonic()
        self.members = await self.replicas.heartbeat(lease)
        self._renewed_at = asked_at
        for name in self._stalled(lease):
            if await self.replicas.evict(name, self._watched[name][0]):
                logger.warning("replica %s has stalled and is evicted, its work is taken over", name)
                self.metrics.replica_evicted()

    def _stalled(self, lease: Lease) -> list[str]:
        now = self.monotonic()
        self._watched = {
            name: self._watched[name] if self._watched.get(name, (-1,))[0] == count else (count, now)
            for name, count in self.members.heartbeats.items()
            if name != lease.replica
        }
        return [name for name, (_, since) in self._watched.items() if now - since > EVICT_AFTER]

    async def _drop(self) -> None:
        self._lease = None
        self.metrics.lease_lost()
        await asyncio.gather(*(callback() for callback in self._callbacks))


def _plain(name: str) -> str:
    return name.encode("ascii", "replace").decode("ascii")
