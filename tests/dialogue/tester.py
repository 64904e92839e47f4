"""A tester who writes and reads comments under pull requests of an offline Gitee, for any kind of bot."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.app.bot import Bot
from bot.model.environment import Environment
from bot.model.errors import RetryLater
from bot.model.run import Run
from playground import branches
from playground.git_repositories import Files
from playground.server import OfflineGitee
from playground.state import Pull
from tests.fakes.adapters import PATIENCE, FakeWorld

REPO = "team/shop"
SECRET = "a hook's secret"
BOT = "chatops-bot"
CHANGE: Files = {"app.py": "print('hello')\n"}


@dataclass
class BotTester:
    """Writes comments and reads those of the bot; a test must read every comment of the bot."""

    gitee: OfflineGitee
    world: FakeWorld
    bot: Bot
    number: int = 0
    """Number of the current pull request."""
    patience: float = PATIENCE
    """Seconds after which a waiting test fails instead of hanging."""
    _read: set[int] = field(default_factory=set)

    # What people do

    async def open(
        self,
        by: str = "mei",
        *,
        title: str = "Add a cart",
        branch: str = "",
        from_fork: bool = False,
        draft: bool = False,
        files: Files = CHANGE,
    ) -> int:
        """Open a pull request and make it the current one."""
        name = branch or f"{by}-{len(self.gitee.repository(REPO).pulls)}"
        self.number = await self.gitee.open_pull(
            REPO, name, files=dict(files), by=by, title=title, from_fork=from_fork, draft=draft
        )
        return self.number

    async def opened(self, by: str = "mei", **how: Any) -> str:
        """Open a pull request and return the bot's comment."""
        await self.open(by, **how)
        return await self.read()

    async def opened_by_stranger(self) -> str:
        """Open a pull request from a stranger's fork and return the bot's comment."""
        return await self.opened("stranger", from_fork=True)

    async def comment(self, body: str, by: str = "lin") -> int:
        """Write a comment."""
        return await self.gitee.comment(REPO, self.number, body, by=by)

    async def says(self, body: str, by: str = "lin") -> str:
        """Write a comment and return the bot's first reply."""
        await self.comment(body, by)
        return await self.read()

    async def push(self, by: str = "mei", files: Files | None = None, message: str = "Update") -> str:
        """Push a commit to the pull request and return its id."""
        content = files or {"app.py": f"print({len(self.gitee.deliveries)})\n"}
        return await self.gitee.push(REPO, self.number, dict(content), by=by, message=f"{message}\n")

    async def force_push(self, sha: str, by: str = "mei") -> None:
        """Move the branch of the pull request to a former commit."""
        ref, forge, before = f"refs/heads/{self.pull.head_branch}", self.gitee.forge, self.head
        home = self.pull.head_repository or self.pull.repository
        await forge.git(home).set_ref(ref, sha)
        await branches.ref_moved(forge, home, ref, before, sha, forge.user(by))

    async def configure(self, text: str) -> None:
        """Commit a `.chatops.yml` to the base branch."""
        await self.gitee.commit(REPO, "master", {".chatops.yml": text}, by="lin")

    async def close(self, by: str = "lin") -> None:
        """Close the pull request."""
        await self.gitee.close(REPO, self.number, by=by)

    async def reopen(self, by: str = "lin") -> None:
        """Reopen the pull request."""
        await self.gitee.reopen(REPO, self.number, by=by)

    async def merge(self, by: str = "lin") -> None:
        """Merge the pull request."""
        await self.gitee.merge(REPO, self.number, by=by)

    @property
    def pull(self) -> Pull:
        """Number of the current pull request."""
        return self.gitee.pull(REPO, self.number)

    @property
    def head(self) -> str:
        """Its current head."""
        return self.pull.head_sha

    # What the bot says

    def comments(self) -> list[Any]:
        """Return all comments of the bot, oldest first."""
        numbers = self.gitee.repository(REPO).pulls
        found = [one for number in numbers for one in self.gitee.comments(REPO, number, by=BOT)]
        return sorted(found, key=lambda comment: int(comment.id))

    def unread(self) -> list[str]:
        """Return the bot's unread comments with their current text, oldest first."""
        return [comment.body for comment in self.comments() if comment.id not in self._read]

    async def read(self) -> str:
        """Wait until the bot is idle, then read the oldest unread comment."""
        await self.idle()
        fresh = [comment for comment in self.comments() if comment.id not in self._read]
        assert fresh, "the bot said nothing more"
        self._read.add(fresh[0].id)
        return str(fresh[0].body)

    async def read_all(self) -> list[str]:
        """Wait until the bot is idle, then read all unread comments."""
        await self.idle()
        found = self.unread()
        self._read.update(comment.id for comment in self.comments())
        return found

    async def living(self, run: int) -> str:
        """Wait until the bot is idle, then read the comment of a run.

        With several runs, read each by its number: the order in which their comments are posted is not
        guaranteed.
        """
        await self.idle()
        return await self.sees(_marker(run))

    async def shows(self, run: int, words: str) -> str:
        """Wait until the comment of a run contains these words, and read it."""
        return await self.sees(words, _marker(run))

    async def sees(self, *words: str) -> str:
        """Wait until a comment contains all these words, and read it."""
        found = await self.gitee.wait_for(lambda: self._saying(*words), self.patience)
        self._read.add(found[0].id)
        return str(found[0].body)

    def _saying(self, *words: str) -> list[Any]:
        return [comment for comment in self.comments() if all(one in comment.body for one in words)]

    def texts(self, containing: str) -> list[str]:
        """Return all versions of the comment with these words, oldest first."""
        found = self._saying(containing)
        assert found, f"no comment says {containing!r}"
        return [str(revision.body) for revision in found[0].history]

    async def says_nothing(self) -> None:
        """Wait until the bot is idle; fail if it has posted a comment."""
        await self.idle()
        assert self.unread() == []

    async def runs(self) -> list[Run]:
        """Wait until the bot is idle, then return all runs, oldest first."""
        await self.idle()
        return list(reversed(await self.bot.store.runs.runs()))

    async def preview(self) -> Environment:
        """Return the only environment."""
        (found,) = await self.bot.store.pulls.environments()
        return found

    # Waiting

    async def idle(self) -> None:
        """Wait until Gitee and the bot are idle, and the store answers."""
        await self.until(self._surely_quiet)

    async def _surely_quiet(self) -> bool:
        try:
            return await self._quiet()
        except RetryLater:
            # A connection from before an outage of the store says so once.
            return False

    async def _quiet(self) -> bool:
        await self.gitee.delivered()
        if await self._pending() or await self.bot.store.runs.unfinished():
            return False
        # The bot may still have to report what is finished in the store.
        if self.bot.worker.busy or len(self.bot.dispatcher._tasks):
            return False
        await self.bot.comments.publisher.flush()
        await self.gitee.delivered()
        # A bot that was started again has to find what its predecessor left unreported.
        return not await self._pending() and not await self.bot.store.runs.unshown()

    async def _pending(self) -> bool:
        """Whether deliveries are pending, including those that wait for a retry."""
        far = self.bot.dispatcher.clock.now() + timedelta(days=365)
        return bool(await self.bot.store.inbox.due(far))

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> None:
        """Poll a condition until it is true."""
        async with asyncio.timeout(self.patience):
            while not await condition():  # noqa: ASYNC110 - the bot's state can only be asked for
                await asyncio.sleep(0.02)


def _marker(run: int) -> str:
    return f"chatops:run={run} "
