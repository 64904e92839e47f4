"""A bot on fake adapters, which tests start and stop, with a clock that skips every wait."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bot.app import values
from bot.app.adapters import Adapters, own_secrets
from bot.app.bot import Bot, running
from bot.core.results.masking import Masker
from bot.gitee.client import GiteeClient
from bot.gitee.transport import Transport
from bot.reports.files import RunFiles
from bot.reports.folder import FolderFileStore
from bot.sandbox.process import ProcessSandbox
from bot.secrets.sources import OperatorSecrets
from bot.settings.model import Settings
from playground.server import OfflineGitee
from playground.state import Hook
from tests.dialogue.line import Line
from tests.dialogue.tester import BOT, REPO, BotTester
from tests.fakes.adapters import DOCKERFILE, PATIENCE, FakeWorld, Gate

LONG = 2.0
"""Waits of at least this many seconds are noticeable to people."""
STRIDE = timedelta(seconds=20)
NOWHERE = "http://127.0.0.1:1"
"""An address without a listener; the port of a stopped bot may be reused by another test at once."""


@dataclass
class PassingTime:
    """A clock that skips every wait of the bot, so that tests do not wait."""

    waits: list[float] = field(default_factory=list)
    _held: Gate | None = None
    _ahead: timedelta = timedelta()
    _later: list[tuple[timedelta, Callable[[], object]]] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the bot's time."""
        return datetime.now(UTC) + self._ahead

    @property
    def noticed(self) -> list[float]:
        """Noticeable waits, in seconds."""
        return [seconds for seconds in self.waits if seconds >= LONG]

    async def sleep(self, seconds: float) -> None:
        """Skip this wait."""
        self.waits.append(seconds)
        if self._held is not None and seconds >= LONG:
            await self._held.pass_through()
        self.skip(timedelta(seconds=seconds))
        await asyncio.sleep(0)

    def hold_waits(self) -> Gate:
        """Make every noticeable wait last until the returned gate is opened."""
        self._held = Gate()
        return self._held

    def after(self, span: timedelta, happens: Callable[[], object]) -> None:
        """Call something once this much more time has been skipped."""
        self._later.append((self._ahead + span, happens))

    def skip(self, span: timedelta) -> None:
        """Advance the clock."""
        self._ahead += span
        due = [happens for at, happens in self._later if at <= self._ahead]
        self._later = [(at, happens) for at, happens in self._later if at > self._ahead]
        for happens in due:
            happens()

    @property
    def ahead(self) -> timedelta:
        """The skipped time."""
        return self._ahead


@dataclass
class OfflineTester(BotTester):
    """A tester who is also the bot's operator."""

    bot: Bot = field(init=False)
    settings: Settings = field(kw_only=True)
    hook: Hook = field(kw_only=True)
    clock: PassingTime = field(default_factory=PassingTime)
    line: Line = field(default_factory=Line)
    _started: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self, **changes: Any) -> None:
        """Start a bot on the same data with these sections of the settings replaced."""
        self.world.now = self.clock.now
        self.settings = replace(self.settings, **changes)
        bot = bot_at(self.gitee, self.settings, self.world, self.clock, self.line)
        self.bot = await self._started.enter_async_context(bot)
        self.hook.url = f"{self.bot.listeners.web.url}/webhooks/gitee"

    async def stop(self) -> None:
        """Stop the bot; webhooks are lost until it starts again."""
        self.hook.url = NOWHERE
        await self._started.aclose()

    async def restart(self, **changes: Any) -> None:
        """Stop the bot and start it again."""
        await self.stop()
        await self.start(**changes)

    async def sweep(self) -> None:
        """Advance the clock beyond `[sweep] age` and run a sweep."""
        self.clock.skip(timedelta(seconds=3))
        await self.bot.reconciling.sweep.run()

    def repairs(self) -> dict[str, int]:
        """Return the number of repairs by kind."""
        counts = {
            one.labels["kind"]: int(one.value)
            for metric in self.bot.deps.prometheus.collect()
            for one in metric.samples
            if one.name == "chatops_repairs_total"
        }
        return {kind: count for kind, count in counts.items() if count}

    async def _pending(self) -> bool:
        """Return whether deliveries are pending; if all wait for a later time, advance the clock."""
        pending = await super()._pending()
        if pending and not await self.bot.store.inbox.due(self.clock.now()):
            self.clock.skip(STRIDE)
            self.bot.dispatcher.wake()
        return pending


def visitor(address: str) -> httpx.AsyncClient:
    """Return an HTTP client for the bot's pages, with the timeout of the tests."""
    plain = httpx.AsyncHTTPTransport(verify=False)  # without verification, no certificates are loaded
    return httpx.AsyncClient(base_url=address, transport=plain, timeout=PATIENCE)


@asynccontextmanager
async def gitee_with_repository(folder: Path) -> AsyncIterator[OfflineGitee]:
    """Run an offline Gitee with people and one repository."""
    async with OfflineGitee(folder) as gitee:
        for login in ("lin", "mei", "stranger", BOT):
            gitee.add_user(login)
        members: dict[str, Any] = {"lin": "admin", "mei": "write", BOT: "write"}
        await gitee.add_repository(REPO, {"Dockerfile": DOCKERFILE, "app.py": "\n"}, members=members)
        yield gitee


@asynccontextmanager
async def bot_at(
    gitee: OfflineGitee, settings: Settings, world: FakeWorld, clock: PassingTime, line: Line
) -> AsyncIterator[Bot]:
    """Run a bot against this Gitee, with the adapters of this world and this clock."""
    chosen = replace(settings, gitee=replace(settings.gitee, url=gitee.url))
    http = httpx.AsyncClient(transport=line.transport(), timeout=None)  # noqa: S113 - the line decides which requests time out
    client = GiteeClient(
        Transport(chosen.gitee.api, gitee.token(BOT), ProcessSandbox(), http=http, sleep=clock.sleep)
    )
    secrets = OperatorSecrets(values.secret_sources(chosen), Masker(own_secrets(chosen)))
    files = RunFiles(FolderFileStore(settings.server.data_dir), ProcessSandbox(), secrets.masker)
    steps = replace(world.adapters(), secrets=secrets, grants=values.secret_grants(settings))
    adapters = Adapters(client, steps, files, world.dns, secrets=secrets)
    try:
        async with running(chosen, adapters, clock=clock, sleep=clock.sleep) as bot:
            yield bot
    finally:
        await client.aclose()
