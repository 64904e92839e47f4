"""The parts of one crash test: Gitee, engine, store and bots."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from playground.git_repositories import Files
from playground.server import OfflineGitee
from tests.crash.engine import RemoteEngine
from tests.crash.fleet import Replica
from tests.crash.history import History
from tests.crash.ledger import Ledger
from tests.dialogue.tester import BOT, REPO, SECRET

REPOSITORIES = (REPO, "team/cart")
PATIENCE = 60.0
"""Seconds to wait for a condition."""


@dataclass
class Scene:
    """A store and its replicas. Each replica has its own webhook, so that each event reaches all of them."""

    folder: Path
    gitee: OfflineGitee
    engine: RemoteEngine
    store_url: str
    replicas: list[Replica] = field(default_factory=list)
    remote: bool = True
    """Whether the runner is `engine`; otherwise the settings select it."""
    _branches: Iterator[int] = field(default_factory=itertools.count)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for replica in self.replicas:
            await replica.dispose()

    @property
    def history(self) -> History:
        """What the doubles saw."""
        return self.engine.history

    @property
    def ledger(self) -> Ledger:
        """Reader of the store."""
        return Ledger(self.store_url)

    async def start(self, count: int = 1, **sections: Any) -> list[Replica]:
        """Start `count` replicas, wait until they are ready, and add their webhooks."""
        for _ in range(count):
            replica = Replica(self.folder / str(len(self.replicas)), self._sections(sections), self.remote)
            self.replicas.append(replica)
            replica.start()
        for replica in self.replicas[-count:]:
            await replica.ready()
            for repository in REPOSITORIES:
                self.gitee.add_hook(repository, f"{replica.url}/webhooks/gitee", SECRET)
        return self.replicas

    def _sections(self, changes: dict[str, Any]) -> dict[str, Any]:
        return {
            "gitee": self.gitee_settings(self.gitee.api_url),
            "store": {"url": self.store_url},
            "docker": {"enabled": False, "host": self.engine.url},
            "repos": {"allow": ["team/*"]},
            "comments": {"language": "en", "announce": False},
            "limits": {"runs": 3, "runs_per_repository": 3},
            **changes,
        }

    def gitee_settings(self, api_url: str) -> dict[str, Any]:
        """Return the section of a bot that reaches Gitee's API at this address."""
        return {
            "url": self.gitee.url,
            "api_url": api_url,
            "token": self.gitee.token(BOT),
            "webhook_secret": [SECRET],
            "window": 3600,
        }

    def busy_replica(self) -> Replica:
        """Return the replica that made the only call in progress."""
        (call,) = self.engine.under_way()
        (found,) = [replica for replica in self.replicas if replica.alive and replica.pid == call.pid]
        return found

    def is_at_work(self, replica: Replica) -> bool:
        """Whether a replica has a call in progress."""
        return any(call.pid == replica.pid for call in self.engine.under_way())

    def send_webhooks_only_to(self, replica: Replica) -> None:
        """Remove the webhooks of all other replicas."""
        for repository in REPOSITORIES:
            hooks = self.gitee.repository(repository).hooks
            hooks[:] = [hook for hook in hooks if hook.url.startswith(replica.url)]

    async def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> None:
        """Poll a condition until it is true."""
        async with asyncio.timeout(patience):
            while not condition():  # noqa: ASYNC110 - processes and stores can only be asked
                await asyncio.sleep(0.02)

    async def open(self, repository: str = REPO) -> int:
        """Open a pull request and return its number."""
        branch = f"mei-{next(self._branches)}"
        files: Files = {"app.py": f"print({branch!r})\n"}
        return await self.gitee.open_pull(repository, branch, files=files, by="mei", title="Add a cart")

    async def idle(self, patience: float = PATIENCE) -> None:
        """Wait until Gitee has no delivery in progress and the store is idle."""
        async with asyncio.timeout(patience):
            while True:
                await self.gitee.delivered()
                if await asyncio.to_thread(self.ledger.idle):
                    return
                await asyncio.sleep(0.1)

    def comments(self, words: str = "") -> list[str]:
        """Return the bodies of the bots' comments that contain these words, oldest first."""
        found = [
            one
            for repository in REPOSITORIES
            for number in self.gitee.repository(repository).pulls
            for one in self.gitee.comments(repository, number, by=BOT)
        ]
        return [str(one.body) for one in sorted(found, key=lambda one: int(one.id)) if words in one.body]
