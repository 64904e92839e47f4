"""A bot and an offline Gitee over real HTTP, and a tester who writes and reads under pull requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters import Adapters
from bot.app import Bot, running
from bot.gitee.client import GiteeClient
from bot.gitee.transport import Transport
from bot.playground.server import OfflineGitee
from bot.reports.files import RunFiles
from bot.settings.model import Settings
from tests.fakes.doors import DOCKERFILE, FakeWorld

REPO = "team/shop"
SECRET = "a hook's secret"
BOT = "chatops-bot"
PATIENCE = 20.0


@dataclass
class BotTester:
    """Words under a pull request in, comments out. What the bot says must be read before the end."""

    gitee: OfflineGitee
    world: FakeWorld
    bot: Bot
    number: int = 0
    _read: set[int] = field(default_factory=set)

    async def open(
        self, by: str = "mei", *, title: str = "Add a cart", from_fork: bool = False, **files: str
    ) -> int:
        """Open the pull request that later calls are about."""
        branch = f"{by}-{len(self.gitee.repository(REPO).pulls)}"
        content = {"app.py": "print('hello')\n", **files}
        self.number = await self.gitee.open_pull(
            REPO, branch, files=content, by=by, title=title, from_fork=from_fork
        )
        return self.number

    async def comment(self, body: str, by: str = "lin") -> int:
        """Write a comment."""
        return await self.gitee.comment(REPO, self.number, body, by=by)

    async def push(self, by: str = "mei", **files: str) -> str:
        """Push a commit to the pull request; return its sha."""
        content = files or {"app.py": f"print({len(self.gitee.deliveries)})\n"}
        return await self.gitee.push(REPO, self.number, content, by=by)

    @property
    def head(self) -> str:
        """The pull request's present commit."""
        return self.gitee.pull(REPO, self.number).head_sha

    async def settled(self) -> None:
        """Wait until nothing is under way anywhere."""
        await self.until(self._quiet)

    async def _quiet(self) -> bool:
        far = datetime.now(UTC) + timedelta(days=365)
        await self.gitee.settled()
        pending = await self.bot.store.inbox.due(far)
        unfinished = await self.bot.store.runs.unfinished()
        await self.bot.board.flush()
        await self.gitee.settled()
        return not pending and not unfinished and not await self.bot.store.inbox.due(far)

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> None:
        """Wait for a condition that has no event of its own."""
        async with asyncio.timeout(PATIENCE):
            while not await condition():  # noqa: ASYNC110 - the bot's state can only be asked for
                await asyncio.sleep(0.02)

    def unread(self) -> list[str]:
        """Return what the bot said and nobody read yet, oldest first, as it stands now."""
        return [comment.body for comment in self._comments() if comment.id not in self._read]

    def _comments(self) -> list[Any]:
        return self.gitee.comments(REPO, self.number, by=BOT) if self.number else []

    async def read(self) -> str:
        """Wait until everything has settled, then read the oldest unread comment as it stands."""
        await self.settled()
        fresh = [comment for comment in self._comments() if comment.id not in self._read]
        assert fresh, "the bot said nothing more"
        self._read.add(fresh[0].id)
        return str(fresh[0].body)

    def texts(self, containing: str) -> list[str]:
        """Return every text that the comment with these words has had, oldest first."""
        for comment in self._comments():
            if containing in comment.body:
                return [str(revision.body) for revision in comment.history]
        raise AssertionError(f"no comment says {containing!r}")

    async def read_all(self) -> list[str]:
        """Read everything that is unread."""
        await self.settled()
        found = self.unread()
        self._read.update(comment.id for comment in self._comments())
        return found

    async def says_nothing(self) -> None:
        """Wait until everything has settled; fail if the bot has said something."""
        await self.settled()
        assert self.unread() == []


@asynccontextmanager
async def gitee_with_repository(folder: Path) -> AsyncIterator[OfflineGitee]:
    """Serve an offline Gitee with people and one repository."""
    async with OfflineGitee(folder) as gitee:
        for login in ("lin", "mei", "stranger", BOT):
            gitee.add_user(login)
        members: dict[str, Any] = {"lin": "admin", "mei": "write", BOT: "write"}
        await gitee.add_repository(REPO, {"Dockerfile": DOCKERFILE, "app.py": "\n"}, members=members)
        yield gitee


@asynccontextmanager
async def bot_at(gitee: OfflineGitee, settings: Settings, world: FakeWorld) -> AsyncIterator[Bot]:
    """Run a bot against this Gitee, with the doors of this world."""
    chosen = replace(settings, gitee=replace(settings.gitee, url=gitee.url))
    client = GiteeClient(Transport(chosen.gitee.api, gitee.token(BOT)))
    adapters = Adapters(client, world.doors(), RunFiles(settings.server.data_dir))
    async with running(chosen, adapters) as bot:
        yield bot
    await client.aclose()
