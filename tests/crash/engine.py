"""A runner that outlives the bots: it loses what a real engine would, and remembers what it was asked."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.adapters import Gate, Script

PACES = {"build": 0.5, "push": 0.1, "deploy": 0.3, "test": 0.5, "stop_tests": 0.02, "remove": 0.05}
"""Seconds that each piece of work takes on average."""


@dataclass(eq=False)
class Piece:
    """Something that a bot asked for: by which process, for what, and whether it is over."""

    door: str
    pull: str
    who: int
    began: float = field(default_factory=time.monotonic)
    over: bool = False


@dataclass
class FarEngine:
    """Serves the doors of `tests.crash.adapters` to every bot; `async with` until the block ends."""

    chance: random.Random = field(default_factory=random.Random)
    script: Script = field(default_factory=Script)
    environments: dict[str, str] = field(default_factory=dict)
    """Commit by environment, from the moment at which it is begun."""
    suites: set[str] = field(default_factory=set)
    """Containers of tests, by environment; a bot that dies leaves them."""
    pieces: list[Piece] = field(default_factory=list)
    overlaps: list[tuple[Piece, Piece]] = field(default_factory=list)
    """Work for one pull request that two processes did at once."""
    most_at_once: int = 0
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/{door}", self._serve)
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def hold(self, door: str) -> Gate:
        """Let the next work behind a door wait until the returned gate is opened."""
        return self.script.hold(door)

    def under_way(self) -> list[Piece]:
        """Return what is being done."""
        return [piece for piece in self.pieces if not piece.over]

    async def _serve(self, request: web.Request) -> web.Response:
        door, asked = request.match_info["door"], await request.json()
        piece = Piece(door, asked["pull"], asked["who"])
        others = [other for other in self.under_way() if other.pull == piece.pull and other.who != piece.who]
        self.overlaps += [(other, piece) for other in others]
        self.pieces.append(piece)
        self.most_at_once = max(self.most_at_once, len({each.pull for each in self.under_way()}))
        try:
            await self._do(door, asked)
        finally:
            piece.over = True
        return web.json_response({})

    async def _do(self, door: str, asked: dict[str, Any]) -> None:
        before, after = self._effects(door, asked)
        before()
        await self.script.pass_through(door)
        await asyncio.sleep(self.chance.uniform(0.2, 1.8) * PACES[door])
        after()

    def _effects(self, door: str, asked: dict[str, Any]) -> tuple[Callable[[], object], Callable[[], object]]:
        """Return what is there from the beginning of this work on, and what is when it is over."""
        key = asked["key"]
        match door:
            case "deploy":
                return lambda: self.environments.__setitem__(key, asked["sha"]), _nothing
            case "test":
                return lambda: self.suites.add(key), lambda: self._end(key)
            case "stop_tests":
                return _nothing, lambda: self._end(key)
            case "remove":
                return _nothing, lambda: self._remove(key)
            case _:
                return _nothing, _nothing

    def _end(self, key: str) -> None:
        self.suites.discard(key)

    def _remove(self, key: str) -> None:
        self.suites.discard(key)
        self.environments.pop(key, None)


def _nothing() -> None:
    """Leave all as it is."""
