"""A fake runner that outlives the bots, forgets what a real engine would, and records every call."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.adapters import Gate, Script

MEAN_SECONDS = {"build": 0.5, "push": 0.1, "deploy": 0.3, "test": 0.5, "stop_tests": 0.02, "remove": 0.05}
"""Average duration of each operation, in seconds."""


@dataclass(eq=False)
class Call:
    """One call: the operation, its pull request, the process that made it, and whether it has ended."""

    operation: str
    pull: str
    pid: int
    began: float = field(default_factory=time.monotonic)
    over: bool = False


@dataclass
class RemoteEngine:
    """Serves the calls of `tests.crash.adapters` to all bots within `async with`."""

    chance: random.Random = field(default_factory=random.Random)
    script: Script = field(default_factory=Script)
    environments: dict[str, str] = field(default_factory=dict)
    """Commit by environment, from the start of its deployment."""
    holders: dict[str, list[int]] = field(default_factory=dict)
    """Run and attempt by environment; as at a real engine, an older one changes nothing."""
    suites: set[str] = field(default_factory=set)
    """Environments whose test container exists; a bot that is killed leaves it behind."""
    calls: list[Call] = field(default_factory=list)
    overlaps: list[tuple[Call, Call]] = field(default_factory=list)
    """Simultaneous calls of two processes for one pull request."""
    report_folder: str = ""
    """Folder with the reports that every suite writes; empty for a report in which all tests pass."""
    most_at_once: int = 0
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/{operation}", self._serve)
        application.router.add_get("/environments", self._list)
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

    def hold(self, operation: str) -> Gate:
        """Make the next call of an operation wait until the returned gate is opened."""
        return self.script.hold(operation)

    def under_way(self) -> list[Call]:
        """Return the calls in progress."""
        return [call for call in self.calls if not call.over]

    async def _serve(self, request: web.Request) -> web.Response:
        operation, asked = request.match_info["operation"], await request.json()
        call = Call(operation, asked["pull"], asked["pid"])
        others = [other for other in self.under_way() if other.pull == call.pull and other.pid != call.pid]
        self.overlaps += [(other, call) for other in others]
        self.calls.append(call)
        self.most_at_once = max(self.most_at_once, len({each.pull for each in self.under_way()}))
        try:
            await self._do(operation, asked)
        finally:
            call.over = True
        return web.json_response({"folder": self.report_folder})

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(list(self.environments))

    async def _do(self, operation: str, asked: dict[str, Any]) -> None:
        before, after = self._effects(operation, asked)
        before()
        await self.script.pass_through(operation)
        await asyncio.sleep(self.chance.uniform(0.2, 1.8) * MEAN_SECONDS[operation])
        after()

    def _effects(
        self, operation: str, asked: dict[str, Any]
    ) -> tuple[Callable[[], object], Callable[[], object]]:
        """Return the effect at the start of an operation and the effect at its end."""
        key = asked["key"]
        match operation:
            case "deploy":
                return lambda: self._deploy(key, asked), _nothing
            case "test":
                return lambda: self.suites.add(key), lambda: self._end(key)
            case "stop_tests":
                return _nothing, lambda: self._end(key)
            case "remove":
                return _nothing, lambda: self._remove(key, asked["holder"])
            case _:
                return _nothing, _nothing

    def _end(self, key: str) -> None:
        self.suites.discard(key)

    def _deploy(self, key: str, asked: dict[str, Any]) -> None:
        if asked["holder"] >= self.holders.get(key, []):
            self.environments[key], self.holders[key] = asked["sha"], asked["holder"]

    def _remove(self, key: str, holder: list[int]) -> None:
        if holder >= self.holders.get(key, []):
            self.suites.discard(key)
            self.environments.pop(key, None)
            self.holders.pop(key, None)


def _nothing() -> None:
    """Do nothing."""
