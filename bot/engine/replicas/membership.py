"""The lease of this replica, its own watch over it, and the eviction of replicas that no longer live.

The store decides who lives (`bot/store/leases.py`). This replica renews its lease every `RENEW_INTERVAL`
seconds. `FENCE_AFTER` seconds after it sent the last renewal that succeeded, before it may be evicted, it
stops its work, whatever a call to the store is waiting for, and joins again under a new name.
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

RENEW_INTERVAL = 2.0
"""Four attempts before the lease ends; and the others notice within this time that it has."""
FENCE_AFTER = 8.0
WATCH_INTERVAL = 0.5


def since_boot() -> float:
    """Return the seconds since the machine started, also those during which it was suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def unique_name() -> str:
    """Return a name for a replica on this machine, which no other one ever has."""
    return f"{_plain(socket.gethostname())[:40]}-{secrets.token_hex(6)}"


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
    monotonic: Callable[[], float] = since_boot
    new_name: Callable[[], str] = unique_name
    metrics: Metrics = NO_METRICS
    members: Members = field(default_factory=Members)
    _lease: Lease | None = None
    _renewed_at: float = 0.0
    _take_over: list[Callable[[], None]] = field(default_factory=list)
    _callbacks: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _dropping: asyncio.Lock = field(default_factory=asyncio.Lock)

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
        return self.monotonic() - self._renewed_at >= FENCE_AFTER

    def on_lease_lost(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Register a callback for a lost lease. It stops its owner's work and returns when that is done."""
        self._callbacks.append(callback)

    def on_eviction(self, wake: Callable[[], None]) -> None:
        """Register a callback for work that is free because this replica evicted another one."""
        self._take_over.append(wake)

    async def join(self) -> None:
        """Join under a new name, once the work of the last lease has stopped.

        Raises RetryLater(STORE_UNAVAILABLE); RuntimeError if the store cannot grant leases.
        """
        async with self._dropping:
            asked_at = self.monotonic()
            name = self.new_name()
            # The last holder of the folder is this process, or one that has ended.
            lease = await self.replicas.join(name, self.instance_lock.name)
            self.instance_lock.remember(name)
            self.members = await self.replicas.renew(lease)
            self._lease, self._renewed_at = lease, asked_at

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
        """Renew the lease, and watch it, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(RENEW_INTERVAL, self.renew), name="renewal of the lease")
            group.create_task(self._repeat(WATCH_INTERVAL, self.watch), name="watch over the lease")

    async def _repeat(self, interval: float, do: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self.sleep(interval)
            try:
                await do()
            except Exception:
                logger.exception("a bug in the lease, next attempt in %.1f s", interval)

    async def renew(self) -> None:
        """Renew the lease, or join; evict replicas that no longer live."""
        try:
            if self._lease is None:
                await self.join()
            else:
                await self._renew(self._lease)
        except LeaseLost:
            await self._drop("this replica was evicted: it stops its work and joins again")
        except RetryLater as error:
            logger.warning("the lease could not be renewed, retry in %.1f s: %s", RENEW_INTERVAL, error)

    async def watch(self) -> None:
        """Stop the work at the end of the lease."""
        if self._lease is not None and self._may_be_evicted:
            await self._drop(f"no lease for {FENCE_AFTER:.0f} s: this replica stops its work and joins again")

    async def _renew(self, lease: Lease) -> None:
        asked_at = self.monotonic()
        members = await self.replicas.renew(lease)
        if self._lease is not lease:
            return  # The answer came too late.
        self.members, self._renewed_at = members, asked_at
        for name in members.silent:
            if await self.replicas.evict(name):
                for wake in self._take_over:
                    wake()
                logger.warning("replica %s no longer lives and is evicted, its work is taken over", name)
                self.metrics.replica_evicted()

    async def _drop(self, reason: str) -> None:
        if self._lease is None:
            return  # The watch and a renewal can notice the same.
        self._lease = None
        logger.error(reason)
        self.metrics.lease_lost()
        async with self._dropping:
            await asyncio.gather(*(callback() for callback in self._callbacks))


def _plain(name: str) -> str:
    return name.encode("ascii", "replace").decode("ascii")
