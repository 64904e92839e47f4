from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from prometheus_client import CollectorRegistry

from bot.model.addresses import Addresses
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.model.store_stats import StoreStats
from bot.model.text import Text
from bot.model.views import ArgumentHelp, CommandHelp
from bot.web.application import application
from bot.web.deps import WebDeps
from bot.web.monitoring.engine_metrics import StoreMetrics
from tests.fakes.adapters import PATIENCE
from tests.web.fakes import FakeClock, FakeEnvironments, FakeHealth, FakeInbox, FakeLogs, FakeRuns

Client = TestClient[Request, Application]

COMMANDS = (
    CommandHelp(
        "deploy",
        ("部署",),
        "/deploy [environment] [ttl=…]",
        Text(en="Deploy this pull request.", zh="部署此 Pull Request。"),
        "write",
        (ArgumentHelp("ttl", "ttl=3d", Text(en="how long it lives", zh="保留多久，如 `<2d>`")),),
        ("/deploy", "/deploy ttl=8h"),
    ),
)


@dataclass
class Bench:
    """The application's surroundings, for a test to set and look at."""

    inbox: FakeInbox = field(default_factory=FakeInbox)
    runs: FakeRuns = field(default_factory=FakeRuns)
    environments: FakeEnvironments = field(default_factory=FakeEnvironments)
    logs: FakeLogs = field(default_factory=FakeLogs)
    health: FakeHealth = field(default_factory=FakeHealth)
    clock: FakeClock = field(default_factory=FakeClock)
    body_seconds: float = PATIENCE
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    census: StoreStats | None = None
    """What the store holds; None while it is away."""
    seconds: float = 0.0
    """What has passed by the clock of the metrics."""

    def deps(self) -> WebDeps:
        held = StoreMetrics(self._counted, monotonic=lambda: self.seconds)
        self.registry.register(held)
        return WebDeps(
            inbox=self.inbox,
            runs=self.runs,
            environments=self.environments,
            logs=self.logs,
            queue_positions=self.runs.queue_positions,
            health=self.health,
            clock=self.clock,
            registry=self.registry,
            recount=held.refresh,
            secrets=("old secret", "s3cret"),
            serves=lambda repo: repo.owner != "elsewhere",
            addresses=Addresses("http://bot.test", "preview.test"),
            commands=COMMANDS,
            gitee_url="https://gitee.test",
            body_limit=100_000,
            body_seconds=self.body_seconds,
        )

    async def _counted(self) -> StoreStats:
        if self.census is None:
            raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": "away"})
        return self.census

    def counted(self, name: str, **labels: str) -> float:
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
