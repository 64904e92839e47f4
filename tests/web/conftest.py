"""The web application with fakes of everything behind it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from prometheus_client import CollectorRegistry

from bot.model.addresses import Addresses
from bot.model.delivery import Delivery
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.model.store_stats import StoreStats
from bot.model.text import Text
from bot.model.views import ArgumentHelp, CommandHelp
from bot.web.application import application
from bot.web.deps import IntakeDeps, UnfinishedBodies, WebDeps
from bot.web.monitoring.engine_metrics import StoreMetrics
from tests.fakes.adapters import PATIENCE
from tests.web.fakes import (
    FakeApprovals,
    FakeClock,
    FakeEnvironments,
    FakeInbox,
    FakeRunFiles,
    FakeRuns,
    FakeServiceLogs,
)

Client = TestClient[Request, Application]

COMMANDS = (
    CommandHelp(
        "deploy",
        ("部署",),
        "/deploy [environment] [ttl=…]",
        Text(en="Deploy this pull request.", zh="部署此 Pull Request。"),
        ("write",),
        (ArgumentHelp("ttl", "ttl=3d", Text(en="how long it lives", zh="保留多久，如 `<2d>`")),),
        ("/deploy", "/deploy ttl=8h"),
    ),
)


@dataclass
class Bench:
    """The application's dependencies, which a test can set and inspect."""

    inbox: FakeInbox = field(default_factory=FakeInbox)
    runs: FakeRuns = field(default_factory=FakeRuns)
    environments: FakeEnvironments = field(default_factory=FakeEnvironments)
    approvals: FakeApprovals = field(default_factory=FakeApprovals)
    files: FakeRunFiles = field(default_factory=FakeRunFiles)
    components: dict[str, str | None] = field(default_factory=lambda: {"store": None, "docker": None})
    """What is wrong with each component."""
    services: FakeServiceLogs = field(default_factory=FakeServiceLogs)
    clock: FakeClock = field(default_factory=FakeClock)
    body_seconds: float = PATIENCE
    unfinished: UnfinishedBodies = field(default_factory=UnfinishedBodies)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    stats: StoreStats | None = None
    """The store's statistics; None while the store is unavailable."""
    seconds: float = 0.0
    """Time on the clock of the metrics."""

    def deps(self) -> WebDeps:
        store_metrics = StoreMetrics(self._stats, monotonic=lambda: self.seconds)
        self.registry.register(store_metrics)
        return WebDeps(
            intake=IntakeDeps(
                accept=self._accept,
                secrets=("old secret", "s3cret"),
                serves=lambda repo: repo.owner != "elsewhere",
                body_limit=100_000,
                body_seconds=self.body_seconds,
                unfinished=self.unfinished,
            ),
            runs=self.runs,
            environments=self.environments,
            approvals=self.approvals,
            files=self.files,
            services=self.services,
            queue_positions=self.runs.queue_positions,
            readiness=self._readiness,
            registry=self.registry,
            refresh_stats=store_metrics.refresh,
            clock=self.clock,
            addresses=Addresses("http://bot.test", "preview.test"),
            commands=COMMANDS,
            gitee_url="https://gitee.test",
        )

    async def _accept(self, delivery: Delivery) -> bool:
        return await self.inbox.accept(delivery)

    async def _readiness(self) -> Mapping[str, str | None]:
        return self.components

    async def _stats(self) -> StoreStats:
        if self.stats is None:
            raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": "away"})
        return self.stats

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
async def client(bench: Bench, aiohttp_client: Callable[[Application], Awaitable[Client]]) -> Client:
    return await aiohttp_client(application(bench.deps()))


@pytest.fixture
async def server(bench: Bench, aiohttp_server: Callable[[Application], Awaitable[TestServer]]) -> TestServer:
    return await aiohttp_server(application(bench.deps()))
