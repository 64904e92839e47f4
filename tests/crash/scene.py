"""Everything of one crash test together: Gitee, engine, store, and the bots between them."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from playground.git_repositories import Files
from playground.server import OfflineGitee
from tests.crash.engine import FarEngine
from tests.crash.fleet import Replica
from tests.crash.ledger import Ledger
from tests.dialogue.tester import BOT, REPO, SECRET

REPOSITORIES = (REPO, "team/cart")
PATIENCE = 60.0
"""Seconds that things may take to settle."""


@dataclass
class Scene:
    """A store and its replicas; every replica has a hook of its own, so each event comes once per replica."""

    folder: Path
    gitee: OfflineGitee
    engine: FarEngine
    store_url: str
    replicas: list[Replica] = field(default_factory=list)
    far: bool = True
    """Whether the runner is the engine above; else it is what the settings name."""
    _branches: Iterator[int] = field(default_factory=itertools.count)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for replica in self.replicas:
            await replica.dispose()

    @property
    def ledger(self) -> Ledger:
        """The store from outside."""
        return Ledger(self.store_url)

    async def start(self, count: int = 1, **sections: Any) -> list[Replica]:
        """Start so many replicas, wait until they are ready, and have Gitee tell them of everything."""
        for _ in range(count):
            replica = Replica(self.folder / str(len(self.replicas)), self._sections(sections), self.far)
            self.replicas.append(replica)
            replica.start()
        for replica in self.replicas[-count:]:
            await replica.ready()
            for repository in REPOSITORIES:
                self.gitee.add_hook(repository, f"{replica.url}/webhooks/gitee", SECRET)
        return self.replicas

    def _sections(self, changes: dict[str, Any]) -> dict[str, Any]:
        return {
            "gitee": {
                "url": self.gitee.url,
                "token": self.gitee.token(BOT),
                "webhook_secret": [SECRET],
                "window": 3600,
            },
            "store": {"url": self.store_url},
            "docker": {"enabled": False, "host": self.engine.url},
            "repos": {"allow": ["team/*"]},
            "comments": {"language": "en", "announce": False},
            "limits": {"runs": 3, "runs_per_repository": 3},
            **changes,
        }

    def at_work(self) -> Replica:
        """Return the replica whose work is under way."""
        (piece,) = self.engine.under_way()
        (found,) = [replica for replica in self.replicas if replica.alive and replica.pid == piece.who]
        return found

    def only(self, replica: Replica) -> None:
        """Have Gitee tell this replica alone of what happens from now on."""
        for repository in REPOSITORIES:
            hooks = self.gitee.repository(repository).hooks
            hooks[:] = [hook for hook in hooks if hook.url.startswith(replica.url)]

    async def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Wait for a condition that nobody announces."""
        async with asyncio.timeout(patience):
            while not condition():  # noqa: ASYNC110 - processes and stores can only be asked
                await asyncio.sleep(0.02)

    async def open(self, repository: str = REPO) -> int:
        """Open a pull request; return its number."""
        branch = f"mei-{next(self._branches)}"
        files: Files = {"app.py": f"print({branch!r})\n"}
        return await self.gitee.open_pull(repository, branch, files=files, by="mei", title="Add a cart")

    async def settled(self) -> None:
        """Wait until nothing is under way anywhere."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.gitee.settled()
                if await asyncio.to_thread(self.ledger.quiet):
                    return
                await asyncio.sleep(0.1)

    def comments(self, words: str = "") -> list[str]:
        """Return what the bots said that has these words, oldest first."""
        found = [
            one
            for repository in REPOSITORIES
            for number in self.gitee.repository(repository).pulls
            for one in self.gitee.comments(repository, number, by=BOT)
        ]
        return [str(one.body) for one in sorted(found, key=lambda one: int(one.id)) if words in one.body]
