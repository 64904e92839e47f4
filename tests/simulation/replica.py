"""One replica: a bot in a simulated process, built from the parts that `bot/app/` starts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from bot.app import values
from bot.app.adapters import Adapters
from bot.app.bot import working
from bot.app.deps import Deps
from bot.app.inbox import NotifyingInbox
from bot.app.loops import background
from bot.core.admission.permissions import Policy
from bot.discovery import find_commands
from bot.engine.deciding.identity import Identity
from bot.engine.metrics import NO_METRICS
from bot.engine.replicas.membership import Membership
from bot.engine.running.disk_space import DiskSpace
from bot.model.delivery import Delivery
from bot.model.disk import FreeSpace
from bot.model.errors import RetryLater
from bot.model.pipeline import RunnerName
from bot.model.text import Language
from bot.model.views import RunView, View
from bot.settings.model import CommentsSettings, LimitsSettings, ReposSettings, Settings, SweepSettings
from bot.steps.context import StepAdapters
from bot.store.arrivals import InboxFullError
from bot.store.records import Store
from tests.crash.checker import SAYS
from tests.simulation.clients import ModelDatabase, ModelNotifications, model_replicas
from tests.simulation.gitee import REPO, Gitee, ModelForge
from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.network import Link, Network
from tests.simulation.postgresql import EPOCH, Server
from tests.simulation.runner import ModelRunner, Runner

SWEEP_SECONDS = 30
AGE_SECONDS = 40
STORE_SECONDS = 0.002
RESTART_SECONDS = 1.0
"""Seconds until what ended for lack of a store is started again."""
WEBHOOK_SECONDS = 5.0
"""Seconds within which a webhook must be answered."""
COMMANDS = find_commands()
SETTINGS = Settings(
    repos=ReposSettings(allow=(str(REPO),)),
    comments=CommentsSettings(language=Language.EN),
    limits=LimitsSettings(runs=4, runs_per_repository=4),
    sweep=SweepSettings(every=f"{SWEEP_SECONDS}s", age=f"{AGE_SECONDS}s"),
)


@dataclass(slots=True)
class World:
    """What all replicas share."""

    loop: VirtualLoop
    network: Network
    server: Server
    gitee: Gitee
    runner: Runner


class InlineSandbox:
    """Calls functions in this process: what they read is ours."""

    async def call(
        self, limits: object, name: str, function: Callable[..., Any], *args: Any, **more: Any
    ) -> Any:
        return function(*args, **more)


class PlainRenderer:
    """Renders what the checker compares; Jinja would take most of the time."""

    def render(self, view: View, language: Language, marker: str) -> str:
        return f"{said(view)}\n{marker}"


def said(view: View) -> str:
    """Return what a comment says of a run: its state and steps, folded or not; of other views their kind."""
    if not isinstance(view, RunView):
        return type(view).__name__
    run = view.run
    icon = SAYS.get(run.state, ("",))[0]
    steps = ", ".join(f"{one.name} {one.state}" for one in run.steps)
    return (
        f"{icon} run {run.id} {run.state} ({steps}) {view.position} folded by {view.folded_by} {view.broken}"
    )


class NoFiles:
    """No files of runs."""

    async def runs_with_files(self, *, after: int = 0, limit: int = 100) -> Mapping[int, tuple[str, ...]]:
        return {}

    async def tail(self, run: int, step: str, limit: int) -> str:
        return ""

    @property
    def store(self) -> "NoFiles":
        return self


@dataclass(slots=True)
class Folder:
    """The data folder of a replica, which outlives its processes: implements `InstanceLock`."""

    name: str = ""

    def remember(self, name: str) -> None:
        self.name = name


class ProcessClock:
    """The wall clock of a process."""

    def __init__(self, loop: VirtualLoop, process: Process) -> None:
        self._loop = loop
        self._process = process

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time() + self._process.clock_offset)


@dataclass(slots=True)
class Replica:
    """A place where one bot process after the other runs, on the same data folder."""

    number: int
    world: World
    folder: Folder = field(default_factory=Folder)
    process: Process = field(init=False)
    processes: list[Process] = field(default_factory=list)
    joined: list[tuple[str, Process]] = field(default_factory=list)
    """Each name under which it joined, with its process."""
    crashes: list[str] = field(default_factory=list)
    to_store: Link = field(init=False)
    to_gitee: Link = field(init=False)
    to_runner: Link = field(init=False)
    inbox: NotifyingInbox | None = None
    clock_offset: float = 0.0
    over: bool = False
    """Whether no other process is started."""
    _serving: asyncio.Task[None] | None = None
    _database: ModelDatabase | None = None
    _store: Store | None = None

    def __post_init__(self) -> None:
        self.to_store = Link(self.world.server, STORE_SECONDS)
        self.to_gitee = Link(self.world.gitee, 0.1)
        self.to_runner = Link(self.world.runner, 0.02)

    def start(self) -> None:
        """Start a process; the one before gets no more time to end."""
        if self.processes and not self.process.dead:
            self.kill()
        if self.over:
            return
        self.process = Process(f"{self.number}.{len(self.processes)}", self.world.loop)
        self.process.clock_offset = self.clock_offset
        self.processes.append(self.process)
        self._serving = self.process.start(self._serve_again())
        self._serving.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            self.crashes.append(f"the bot ended: {task.exception()!r}")

    def kill(self) -> None:
        """Kill the process; its connections end, as far as the other side hears of it."""
        self.process.kill()
        self.inbox = None
        if self._store is not None and self._database is not None:
            self._database.hang_up()
            session = getattr(self._store.replicas, "_session", None)
            for one in (session, self._store.notifications):
                if one is not None:
                    one.close()

    def stop(self) -> None:
        """Ask the process to end, as SIGTERM does."""
        self.inbox = None
        if self._serving is not None:
            self._serving.cancel()

    def set_clock(self, offset: float) -> None:
        """Set the wall clock of this machine wrong by so many seconds."""
        self.clock_offset = self.process.clock_offset = offset

    def set_pace(self, times: float) -> None:
        """Let requests to the store take so many times as long as ordinarily."""
        self.to_store.mean = STORE_SECONDS * times

    async def deliver(self, delivery: Delivery) -> bool:
        """Send a webhook; return whether it was acknowledged. Runs in the process."""
        if self.inbox is None or self.process.dead:
            return False
        clock = ProcessClock(self.world.loop, self.process)
        try:
            async with asyncio.timeout(WEBHOOK_SECONDS):
                await self.inbox.accept(replace(delivery, received_at=clock.now()))
        except (RetryLater, TimeoutError, InboxFullError):
            return False
        return True

    async def _serve_again(self) -> None:
        while True:
            try:
                async with self._running() as self.inbox:
                    await asyncio.Event().wait()
            except RetryLater:
                await asyncio.sleep(RESTART_SECONDS)

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[NotifyingInbox]:
        """Run a bot, as `bot.app.bot.running` does, without its servers."""
        deps = self._deps()
        async with AsyncExitStack() as stack:
            start = stack.enter_async_context
            membership = Membership(
                deps.store.replicas, self.folder, monotonic=self.world.loop.time, new_name=self._name
            )
            await membership.join()
            stack.push_async_callback(membership.leave)
            await start(background(membership.serve()))
            parts = await start(working(deps, membership))
            yield parts.inbox

    def _name(self) -> str:
        name = f"{self.process.name}.{len(self.joined)}"
        self.joined.append((name, self.process))
        return name

    def _deps(self) -> Deps:
        world, clock = self.world, ProcessClock(self.world.loop, self.process)
        forge = ModelForge(world.gitee, world.network, self.to_gitee)
        runner = ModelRunner(world.runner, world.network, self.to_runner)
        self._database = ModelDatabase(world.server, world.network, self.to_store)
        replicas = model_replicas(world.server, world.network, self.to_store, self._database)
        notifications: Any = ModelNotifications(world.server, world.network, self.to_store)
        self._store = Store.of(self._database, replicas, 10_000, notifications)
        sandbox, files = InlineSandbox(), NoFiles()
        runners = {RunnerName.DOCKER: runner}
        steps = StepAdapters(runner, runner, runner, sandbox, runners, runners, side_by_side=runners)
        loose: Any = files
        return Deps(
            settings=SETTINGS,
            adapters=Adapters(forge, steps, loose),
            store=self._store,
            addresses=values.addresses(SETTINGS, web_port=80, preview_port=80),
            commands=COMMANDS,
            policy=Policy(),
            identity=Identity(forge, values.instance(SETTINGS), self._store.identities),
            clock=clock,
            sleep=asyncio.sleep,
            prometheus=CollectorRegistry(),
            metrics=NO_METRICS,
            disk=DiskSpace(_no_disks, 0),
        )


async def _no_disks() -> tuple[FreeSpace, ...]:
    return ()
