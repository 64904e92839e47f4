"""A fake runner that outlives the bots, forgets what a real engine would, and records every call.

As the platforms do, it refuses what would change the things of a later run or attempt, and it removes nothing
by itself: a suite that has ended remains until a bot removes it.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from typing import Self

from aiohttp import web

from bot.model.holder import Holder
from tests.crash.history import History, Phase, RunnerEvent
from tests.fakes.adapters import Gate, Script

MEAN_SECONDS = {
    "build": 0.5,
    "push": 0.1,
    "deploy": 0.3,
    "test": 0.5,
    "stop_tests": 0.02,
    "remove": 0.05,
    "retire": 0.05,
    "discard": 0.05,
    "collect_tests": 0.02,
    "collect": 0.05,
}
"""Average duration of each operation, in seconds. The last two are those of garbage collection."""
OVERTAKEN = 409
"""Status of an answer: a later run or attempt has the place."""


@dataclass(eq=False)
class Call:
    """One call: the operation, its pull request, the process that made it, and whether it has ended."""

    operation: str
    pull: str
    pid: int
    lease: str
    holder: Holder
    number: int
    began: float = field(default_factory=time.monotonic)
    over: bool = False


@dataclass(frozen=True)
class Thing:
    """An environment or a suite at the runner, and who created it."""

    holder: Holder
    sha: str = ""
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class RemoteEngine:
    """Serves the calls of `tests.crash.adapters` to all bots within `async with`."""

    chance: random.Random = field(default_factory=random.Random)
    script: Script = field(default_factory=Script)
    history: History = field(default_factory=History)
    environments: dict[str, Thing] = field(default_factory=dict)
    """From the start of their deployment, by key."""
    former: dict[str, Thing] = field(default_factory=dict)
    """Those that answer until what was started beside them does, by key."""
    suites: dict[str, Thing] = field(default_factory=dict)
    """Test containers by the key of their environment; a bot that is killed leaves its own behind."""
    calls: list[Call] = field(default_factory=list)
    overlaps: list[tuple[Call, Call]] = field(default_factory=list)
    """Simultaneous calls of two processes for one pull request."""
    report_folder: str = ""
    """Folder with the reports that every suite writes; empty for a report in which all tests pass."""
    most_at_once: int = 0
    url: str = ""
    _runner: web.AppRunner | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/{operation}", self._serve)
        application.router.add_get("/inventory", self._list)
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
        asked = await request.json()
        holder = Holder(*asked["holder"])
        operation, number = request.match_info["operation"], next(self._numbers)
        call = Call(operation, asked["pull"], asked["pid"], asked["lease"], holder, number)
        others = [other for other in self.under_way() if other.pull == call.pull and other.pid != call.pid]
        self.overlaps += [(other, call) for other in others]
        self.calls.append(call)
        self.most_at_once = max(self.most_at_once, len({each.pull for each in self.under_way()}))
        self._saw(call, Phase.BEGAN)
        try:
            fenced = not await self._do(call, asked["key"], asked.get("sha", ""), asked.get("beside"))
        finally:
            call.over = True
            self._saw(call, Phase.ENDED)
        return web.json_response({"folder": self.report_folder}, status=OVERTAKEN if fenced else 200)

    def _saw(self, call: Call, phase: Phase) -> None:
        who = (call.operation, call.pull, call.pid, call.lease, call.holder)
        self.history.add(RunnerEvent(time.monotonic(), call.number, phase, *who))

    async def _list(self, request: web.Request) -> web.Response:
        if "of" in request.query:
            await self.script.pass_through("parts of")
        return web.json_response(
            [
                (kind, key, astuple(thing.holder), thing.made_at.isoformat())
                for kind, things in (
                    ("container", self.environments),
                    ("container", self.former),
                    ("tests", self.suites),
                )
                for key, thing in things.items()
            ]
        )

    async def _do(self, call: Call, key: str, sha: str, beside: int | None) -> bool:
        """Do an operation; return False if a later run or attempt has the place of what it creates."""
        created = {"deploy": self.environments, "test": self.suites}.get(call.operation)
        former = self.environments.get(key) if beside else None
        if created is not None and not self._put(call, created, key, sha):
            return False
        if former is not None and former.holder.run == beside:
            self.former[key] = former
        await self.script.pass_through(call.operation)
        await asyncio.sleep(self.chance.uniform(0.2, 1.8) * MEAN_SECONDS[call.operation])
        if call.operation == "push":
            self._saw(call, Phase.CHANGED)
        if call.operation in {"stop_tests", "collect_tests", "remove"}:
            self._remove(call, self.suites, key)
        if call.operation == "remove":
            self._remove(call, self.environments, key)
        if call.operation in {"remove", "retire"}:
            self._remove(call, self.former, key)
        if call.operation in {"collect", "discard"}:
            self._remove_one(call, key)
        return True

    def _remove_one(self, call: Call, key: str) -> None:
        """Remove what the run of a call has deployed; the former one takes the place of the present one."""
        for things in (self.environments, self.former):
            if key in things and things[key].holder.run == call.holder.run:
                self._remove(call, things, key)
        if key not in self.environments and key in self.former:
            self.environments[key] = self.former.pop(key)

    def _put(self, call: Call, things: dict[str, Thing], key: str, sha: str) -> bool:
        if key in things and things[key].holder > call.holder:
            self._saw(call, Phase.REFUSED)
            return False
        things[key] = Thing(call.holder, sha)
        self._saw(call, Phase.CHANGED)
        return True

    def _remove(self, call: Call, things: dict[str, Thing], key: str) -> None:
        if key not in things:
            return
        fenced = things[key].holder > call.holder
        if not fenced:
            del things[key]
        self._saw(call, Phase.REFUSED if fenced else Phase.CHANGED)
