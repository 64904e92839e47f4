"""The preview proxy under test, with a real service on loopback behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from yarl import URL

from bot.model.addresses import Addresses
from bot.model.environment import Endpoint
from bot.web.deps import PreviewDeps
from bot.web.previews.proxy import preview_application, preview_runner
from bot.web.previews.sign_on import SignOn
from bot.web.previews.visits import Visits
from tests.fakes.adapters import PATIENCE
from tests.web.fakes import FakeClock, FakeEnvironments, environment
from tests.web.service import Service

HOST = "pr-7-shop.preview.test"


@dataclass
class Proxy:
    """The proxy under test, and the client session of a visitor."""

    port: int
    session: aiohttp.ClientSession
    environments: FakeEnvironments
    registry: CollectorRegistry
    visits: Visits
    clock: FakeClock

    def url(self, path: str = "/") -> URL:
        return URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)

    def get(self, path: str = "/", host: str = HOST, **headers: str) -> aiohttp.client._RequestContextManager:
        return self.session.get(self.url(path), headers={"Host": host, **headers}, allow_redirects=False)

    async def over(self) -> None:
        """Wait until no visit is in progress: a response may arrive before its visit has ended."""
        async with asyncio.timeout(PATIENCE):
            while self.registry.get_sample_value("chatops_preview_requests_in_progress"):  # noqa: ASYNC110 - a metric has no event to wait for
                await asyncio.sleep(0)

    def outcome(self, name: str) -> float:
        return self.registry.get_sample_value("chatops_preview_requests_total", {"outcome": name}) or 0.0

    async def raw(self, request: str) -> bytes:
        """Send these bytes and return those of the response."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.encode())
        try:
            return await asyncio.wait_for(reader.read(), PATIENCE)
        finally:
            writer.close()
            await writer.wait_closed()


async def serve(stack: AsyncExitStack, runner: web.AppRunner) -> int:
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def service(stack: AsyncExitStack) -> Service:
    made = Service()
    made.endpoint = Endpoint("127.0.0.1", await serve(stack, made.runner()))
    return made


@pytest.fixture
def sign_on() -> SignOn:
    return SignOn()


@pytest.fixture
async def proxy(stack: AsyncExitStack, service: Service, sign_on: SignOn) -> Proxy:
    environments = FakeEnvironments()
    environments.put(environment(endpoint=service.endpoint))
    registry = CollectorRegistry()
    addresses = Addresses("http://bot.test", "Preview.Test:8081", "https")
    clock = FakeClock()
    visits = Visits(environments, clock)
    deps = PreviewDeps(environments, registry, addresses, visits, sign_on)
    port = await serve(stack, preview_runner(preview_application(deps)))
    session = aiohttp.ClientSession(
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=PATIENCE),
    )
    await stack.enter_async_context(session)
    return Proxy(port, session, environments, registry, visits, clock)
