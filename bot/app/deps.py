"""What the parts of the bot are built from."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from prometheus_client import CollectorRegistry

from bot.app import values
from bot.app.adapters import Adapters, in_time
from bot.core.admission.permissions import Policy
from bot.core.language.command import AnyCommand
from bot.core.runs.scheduling import RunLimits
from bot.engine.deciding.identity import Identity
from bot.engine.metrics import Metrics
from bot.engine.running.disk_space import DiskSpace
from bot.model.addresses import Addresses
from bot.ports import Clock
from bot.settings.model import Settings
from bot.store.records import Store

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Deps:
    """Values and adapters that exist before the first part starts."""

    settings: Settings
    adapters: Adapters
    store: Store
    addresses: Addresses
    commands: tuple[AnyCommand, ...]
    policy: Policy
    """Levels of the commands whose own level the settings change."""
    identity: Identity
    clock: Clock
    sleep: Sleep
    """Waits before something that failed is tried again."""
    prometheus: CollectorRegistry
    metrics: Metrics
    """The engine's metrics, in that registry."""
    disk: DiskSpace

    def limits(self) -> RunLimits:
        """Return how many runs may be under way now."""
        return replace(values.limits(self.settings), disk_full=self.disk.low)

    async def readiness(self) -> Mapping[str, str | None]:
        """Check the store and the adapters: None for each that answers, otherwise what is wrong with it."""
        store, others = await asyncio.gather(in_time(self.store.database.ping()), self.adapters.readiness())
        return {"store": store, **others}
