"""People at work: pull requests opened, pushed to and closed, commands written, as a seed decides."""

import asyncio
import random
from dataclasses import dataclass, field
from enum import StrEnum

from playground.git_repositories import Files
from tests.crash.scene import REPOSITORIES, Scene

STARTING = ("/build", "/deploy", "/test")
"""Commands of which each starts one run."""
ASIDE = ("/help", "/status", "/cancel")
MOST_UNFINISHED = 20
"""How many runs may wait before people pause: the bots are to be disturbed, not flooded."""


class Fate(StrEnum):
    """What becomes of a pull request; commands are refused where the head has moved meanwhile."""

    COMMANDED = "commanded"
    PUSHED = "pushed"
    CLOSED = "closed"


@dataclass
class Traffic:
    """Acts again and again until told to stop."""

    scene: Scene
    chance: random.Random
    pause: float = 0.15
    fates: dict[tuple[str, int], Fate] = field(default_factory=dict)
    acts: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def go_on(self) -> None:
        """Act until told to stop."""
        while not self.over.is_set():
            if self.scene.ledger.unfinished() < MOST_UNFINISHED:
                await self.act()
            await asyncio.sleep(self.chance.expovariate(1 / self.pause))

    async def act(self) -> None:
        """Do one thing."""
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
                words = self.chance.choice(STARTING * 3 + ASIDE)
                await gitee.comment(repository, number, words, by="lin")
            case Fate.PUSHED:
                files: Files = {"app.py": f"print({self.acts})\n"}
                await gitee.push(repository, number, files, by="mei")
            case Fate.CLOSED:
                if gitee.pull(repository, number).state == "open":
                    await gitee.close(repository, number, by="mei")
