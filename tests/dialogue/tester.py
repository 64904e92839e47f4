"""A tester who writes and reads under the pull requests of an offline Gitee, whatever the bot stands on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.app.bot import Bot
from bot.core import naming
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
    """Words under pull requests in, comments out. What the bot says must be read before the end."""

    gitee: OfflineGitee
    world: FakeWorld
    bot: Bot
    number: int = 0
    """The pull request that is spoken of."""
    patience: float = PATIENCE
    """Seconds after which waiting for anything fails instead of hanging."""
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
        """Open the pull request that later calls are about."""
        name = branch or f"{by}-{len(self.gitee.repository(REPO).pulls)}"
        self.number = await self.gitee.open_pull(
            REPO, name, files=dict(files), by=by, title=title, from_fork=from_fork, draft=draft
        )
        return self.number

    async def opened(self, by: str = "mei", **how: Any) -> str:
        """Open a pull request and return what the bot says about it."""
        await self.open(by, **how)
        return await self.read()

    async def opened_by_stranger(self) -> str:
        """Open a pull request from a stranger's fork and return what the bot says about it."""
        return await self.opened("stranger", from_fork=True)

    async def comment(self, body: str, by: str = "lin") -> int:
        """Write a comment."""
        return await self.gitee.comment(REPO, self.number, body, by=by)

    async def says(self, body: str, by: str = "lin") -> str:
        """Write a comment and return the first answer to it."""
        await self.comment(body, by)
        return await self.read()

    async def push(self, by: str = "mei", files: Files | None = None) -> str:
        """Push a commit to the pull request; return its sha."""
        content = files or {"app.py": f"print({len(self.gitee.deliveries)})\n"}
        return await self.gitee.push(REPO, self.number, dict(content), by=by)

    async def force_push(self, sha: str, by: str = "mei") -> None:
        """Move the pull request's branch to a commit that it has had before."""
        ref, forge, before = f"refs/heads/{self.pull.head_branch}", self.gitee.forge, self.head
        home = self.pull.head_repository or self.pull.repository
        await forge.git(home).set_ref(ref, sha)
        await branches.ref_moved(forge, home, ref, before, sha, forge.user(by))

    async def configure(self, text: str) -> None:
        """Put a `.chatops.yml` on the base branch."""
        await self.gitee.commit(REPO, "master", {".chatops.yml": text}, by="lin")

    async def close(self, by: str = "lin") -> None:
        """Close the pull request."""
        await self.gitee.close(REPO, self.number, by=by)

    async def reopen(self, by: str = "lin") -> None:
        """Open it again."""
        await self.gitee.reopen(REPO, self.number, by=by)

    async def merge(self, by: str = "lin") -> None:
        """Merge it."""
        await self.gitee.merge(REPO, self.number, by=by)

    @property
    def pull(self) -> Pull:
        """The pull request that is spoken of."""
        return self.gitee.pull(REPO, self.number)

    @property
    def head(self) -> str:
        """Its present commit."""
        return self.pull.head_sha

    # What the bot says

    def comments(self) -> list[Any]:
        """Return all comments of the bot, oldest first."""
        numbers = self.gitee.repository(REPO).pulls
        found = [one for number in numbers for one in self.gitee.comments(REPO, number, by=BOT)]
        return sorted(found, key=lambda comment: int(comment.id))

    def unread(self) -> list[str]:
        """Return what the bot said and nobody read yet, oldest first, as it stands now."""
        return [comment.body for comment in self.comments() if comment.id not in self._read]

    async def read(self) -> str:
        """Wait until everything has settled, then read the oldest unread comment as it stands."""
        await self.settled()
        fresh = [comment for comment in self.comments() if comment.id not in self._read]
        assert fresh, "the bot said nothing more"
        self._read.add(fresh[0].id)
        return str(fresh[0].body)

    async def read_all(self) -> list[str]:
        """Wait until everything has settled, then read all that is unread."""
        await self.settled()
        found = self.unread()
        self._read.update(comment.id for comment in self.comments())
        return found

    async def living(self, run: int) -> str:
        """Wait until everything has settled, then read the comment of a run as it stands.

        With several runs, read each by its number: which of their comments is posted first is not promised.
        """
        await self.settled()
        return await self.sees(_marker(run))

    async def shows(self, run: int, words: str) -> str:
        """Read the comment of a run as soon as it says these words, while work goes on."""
        return await self.sees(words, _marker(run))

    async def sees(self, *words: str) -> str:
        """Read the comment that says all these words as soon as one does, while work goes on."""
        found = await self.gitee.wait_for(lambda: self._saying(*words), self.patience)
        self._read.add(found[0].id)
        return str(found[0].body)

    def _saying(self, *words: str) -> list[Any]:
        return [comment for comment in self.comments() if all(one in comment.body for one in words)]

    def texts(self, containing: str) -> list[str]:
        """Return every text that the comment with these words has had, oldest first."""
        found = self._saying(containing)
        assert found, f"no comment says {containing!r}"
        return [str(revision.body) for revision in found[0].history]

    async def says_nothing(self) -> None:
        """Wait until everything has settled; fail if the bot has said something."""
        await self.settled()
        assert self.unread() == []

    async def runs(self) -> list[Run]:
        """Return all runs, oldest first, once everything has settled."""
        await self.settled()
        return list(reversed(await self.bot.store.runs.runs()))

    # Waiting

    async def settled(self) -> None:
        """Wait until nothing is under way anywhere."""
        await self.until(self._quiet)

    async def _quiet(self) -> bool:
        await self.gitee.delivered()
        if await self._pending() or await self.bot.store.runs.unfinished():
            return False
        # What the store calls decided or over may still be about to be told of.
        if self.bot.worker.busy or len(self.bot.dispatcher._tasks):
            return False
        await self.bot.comments.publisher.flush()
        await self.gitee.delivered()
        return not await self._pending()

    async def _pending(self) -> bool:
        """Whether deliveries wait, be it for a later time."""
        far = self.bot.dispatcher.clock.now() + timedelta(days=365)
        return bool(await self.bot.store.inbox.due(far))

    async def until(self, condition: Callable[[], Awaitable[Any]]) -> None:
        """Wait for a condition that has no event of its own."""
        async with asyncio.timeout(self.patience):
            while not await condition():  # noqa: ASYNC110 - the bot's state can only be asked for
                await asyncio.sleep(0.02)


def _marker(run: int) -> str:
    return naming.comment_marker("run", str(run))
