"""Simulated people who open, push to, close and comment on pull requests, determined by a seed."""

import asyncio
import random
from dataclasses import dataclass, field
from enum import StrEnum

from playground.git_repositories import Files
from tests.crash.scene import REPOSITORIES, Scene

STARTING = ("/build", "/deploy", "/test")
"""Commands that start one run each."""
REPLYING = ("/help", "/status")
"""Commands that are answered by one comment."""
OTHER = (*REPLYING, "/cancel")
MOST_UNFINISHED = 20
"""Unfinished work at which people pause, so that the bots are disturbed and not overloaded."""

LONGEST = 300.0
"""Longest time in seconds that an action may take."""


class Fate(StrEnum):
    """What people do with a pull request.

    A pull request with commands gets no pushes, because the bot refuses a command when the head has moved.
    """

    COMMANDED = "commanded"
    PUSHED = "pushed"
    CLOSED = "closed"


@dataclass
class Traffic:
    """Acts repeatedly until `over` is set."""

    scene: Scene
    chance: random.Random
    pause: float = 0.15
    fates: dict[tuple[str, int], Fate] = field(default_factory=dict)
    acts: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def go_on(self) -> None:
        """Act until `over` is set."""
        while not self.over.is_set():
            async with asyncio.timeout(LONGEST):
                if await asyncio.to_thread(self.scene.ledger.unfinished) < MOST_UNFINISHED:
                    await self.act()
            await asyncio.sleep(self.chance.expovariate(1 / self.pause))

    async def act(self) -> None:
        """Do one action."""
        self.acts += 1
        fate = self.chance.choices(list(Fate), weights=(6, 2, 1))[0]
        known = [pull for pull, its in self.fates.items() if its is fate]
        if not known or self.chance.random() < 0.25:
            await self._open(fate)
        else:
            await self._go_on_with(fate, *self.chance.choice(known))

    async def _open(self, fate: Fate) -> None:
        repository = self.chance.choice(REPOSITORIES)
        self.fates[repository, await self.scene.open(repository)] = fate

    async def _go_on_with(self, fate: Fate, repository: str, number: int) -> None:
        gitee = self.scene.gitee
        match fate:
            case Fate.COMMANDED:
                words = self.chance.choice(STARTING * 3 + OTHER)
                await gitee.comment(repository, number, words, by="lin")
            case Fate.PUSHED:
                files: Files = {"app.py": f"print({self.acts})\n"}
                await gitee.push(repository, number, files, by="mei")
            case Fate.CLOSED:
                if gitee.pull(repository, number).state == "open":
                    await gitee.close(repository, number, by="mei")
