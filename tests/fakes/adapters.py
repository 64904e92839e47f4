"""A builder, platform, registry and code source that remember what they were asked and fail on demand."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.core import naming
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.inventory import Item, ItemKind
from bot.model.pipeline import RunnerName
from bot.model.report import Report
from bot.model.run import Image
from bot.model.scan import Scan, Severity
from bot.ports import (
    BuildOrder,
    Built,
    DnsRecords,
    EnvironmentSpec,
    Jobs,
    Log,
    TagRemoval,
    TestOutput,
    TestSpec,
)
from bot.steps.context import StepAdapters

DOCKERFILE = "FROM scratch AS runtime\nEXPOSE 8080\nFROM runtime AS test\n"
PASSING = b'<testsuite name="unit"><testcase name="adds"/><testcase name="removes"/></testsuite>'
PATIENCE = 60.0
"""Seconds after which a test that waits for something fails instead of hanging; nothing is promised by it."""
FAILING = (
    b'<testsuite name="unit"><testcase name="adds"/>'
    b'<testcase name="removes"><failure message="2 != 3">assert 2 == 3</failure></testcase></testsuite>'
)


@dataclass
class Gate:
    """Where one call of a door waits until it is opened, or is cancelled."""

    tidied: asyncio.Event = field(default_factory=asyncio.Event)
    """What a cancelled call waits for while it cleans up; set unless a test clears it."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.tidied.set()

    def open(self) -> None:
        """Let the call go on."""
        self._opened.set()

    async def reached(self) -> None:
        """Wait until somebody stands there."""
        async with asyncio.timeout(PATIENCE):
            await self._arrived.wait()

    async def left(self) -> None:
        """Wait until whoever stood there was cancelled; it may be cleaning up still."""
        async with asyncio.timeout(PATIENCE):
            await self.cancelled.wait()

    async def pass_through(self) -> None:
        """Stand there."""
        self._arrived.set()
        try:
            await self._opened.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            await self.tidied.wait()
            raise


@dataclass
class Script:
    """What happens next at a door: an error to raise, or a gate to wait at, each used once."""

    _next: dict[str, deque[BaseException | Gate]] = field(default_factory=lambda: defaultdict(deque))

    def fail(self, door: str, *errors: BaseException) -> None:
        """Let the next calls of a door raise, one after the other."""
        self._next[door].extend(errors)

    def hold(self, door: str) -> Gate:
        """Let the next call of a door wait until the returned gate is opened."""
        gate = Gate()
        self._next[door].append(gate)
        return gate

    async def pass_through(self, door: str) -> None:
        """Play what was scripted for this door."""
        if not self._next[door]:
            return
        scripted = self._next[door].popleft()
        if isinstance(scripted, BaseException):
            raise scripted
        await scripted.pass_through()


@dataclass
class FakeWorld:
    """Everything behind the adapters."""

    script: Script = field(default_factory=Script)
    dockerfile: str | None = DOCKERFILE
    built: list[BuildOrder] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    immutable: set[str] = field(default_factory=set)
    """Tags that the registry does not let go."""
    scan: Scan | None = None
    """What the registry's scanner finds in every image."""
    fail_on: Severity | None = None
    dns: DnsRecords | None = None
    """Where names are entered, if they are."""
    deployed: dict[EnvironmentKey, EnvironmentSpec] = field(default_factory=dict)
    tested: list[TestSpec] = field(default_factory=list)
    strays: list[Item] = field(default_factory=list)
    """What is there beside what is deployed."""
    removed_items: list[Item] = field(default_factory=list)
    removed: list[EnvironmentKey] = field(default_factory=list)
    tests_stopped: list[EnvironmentKey] = field(default_factory=list)
    images_removed: list[tuple[RepoPath, int]] = field(default_factory=list)
    outputs: deque[TestOutput] = field(default_factory=deque)
    """Results of the next suites; afterwards all pass."""
    reports: dict[tuple[int, str], Report] = field(default_factory=dict)
    logs: dict[tuple[int, str], "FakeLog"] = field(default_factory=dict)
    jobs: dict[RunnerName, Jobs] = field(default_factory=dict)
    sleeps: bool = False
    """Whether environments can sleep here."""
    asleep: set[EnvironmentKey] = field(default_factory=set)

    def adapters(self) -> StepAdapters:
        """Return the adapters of this world."""
        world = World(self)
        return StepAdapters(
            source=world,
            registry=world,
            reports=world,
            builders={RunnerName.DOCKER: world},
            platforms={RunnerName.DOCKER: world},
            fail_on=self.fail_on,
            jobs=self.jobs,
            suspendable={RunnerName.DOCKER: world} if self.sleeps else {},
        )


@dataclass
class FakeLog:
    """Keeps what was written."""

    lines: list[str] = field(default_factory=list)

    def write(self, text: str) -> None:
        """Keep output."""
        self.lines.extend(text.splitlines())

    def note(self, text: str) -> None:
        """Keep a line of the bot's own."""
        self.lines.append(f"▸ {text}")

    def tail(self, lines: int = 40) -> str:
        """Return the last lines."""
        return "\n".join(self.lines[-lines:])


class World:
    """All ports of the steps in one, over one FakeWorld."""

    def __init__(self, state: FakeWorld) -> None:
        self._state = state

    async def fetch(self, repo: RepoPath, clone_url: str, number: int, sha: str) -> None:
        await self._state.script.pass_through("fetch")

    async def fetch_base(self, repo: RepoPath, clone_url: str, sha: str) -> None:
        await self._state.script.pass_through("fetch")

    async def read(self, repo: RepoPath, sha: str, path: str, limit: int = 1 << 20) -> bytes | None:
        found = self._state.dockerfile if path == "Dockerfile" else None
        return found.encode() if found is not None else None

    def archive(self, repo: RepoPath, sha: str, folder: str = ".") -> AbstractAsyncContextManager[Path]:
        return _no_file()

    async def gc(self) -> None:
        return

    async def build(self, order: BuildOrder, log: Log) -> Built:
        log.write(f"building {order.tag}\n")
        await self._state.script.pass_through("build")
        self._state.built.append(order)
        return Built(f"sha256:{len(self._state.built):064d}", 10_000_000, (8080,))

    async def push(self, tag: str, log: Log) -> str:
        await self._state.script.pass_through("push")
        self._state.tags.add(tag)
        return "sha256:" + "d" * 64

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        await self._state.script.pass_through("deploy")
        self._state.deployed[spec.key] = spec
        self._state.asleep.discard(spec.key)
        return Endpoint("127.0.0.1", 9)

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        await self._state.script.pass_through("test")
        self._state.tested.append(spec)
        if self._state.outputs:
            return self._state.outputs.popleft()
        return TestOutput(0, {"junit.xml": PASSING})

    async def stop_tests(self, key: EnvironmentKey) -> None:
        await self._state.script.pass_through("stop_tests")
        self._state.tests_stopped.append(key)

    def service_url(self, key: EnvironmentKey, port: int) -> str:
        return f"http://app:{port}"

    async def scale_down(self, key: EnvironmentKey) -> None:
        await self._state.script.pass_through("sleep")
        self._state.asleep.add(key)

    async def scale_up(self, key: EnvironmentKey, endpoint: Endpoint | None) -> None:
        await self._state.script.pass_through("wake")
        self._state.asleep.discard(key)

    async def remove(self, key: EnvironmentKey) -> None:
        await self._state.script.pass_through("remove")
        self._state.deployed.pop(key, None)
        self._state.removed.append(key)

    async def remove_images(self, repo: RepoPath, number: int) -> None:
        self._state.images_removed.append((repo, number))

    async def inventory(self) -> tuple[Item, ...]:
        await self._state.script.pass_through("inventory")
        deployed = (_app(key) for key in self._state.deployed)
        return (*deployed, *self._state.strays)

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        for item in items:
            if item == _app(item.key):
                self._state.deployed.pop(item.key, None)
        self._state.strays = [item for item in self._state.strays if item not in items]
        self._state.removed_items += items
        return tuple(items)

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        await self._state.script.pass_through("update_expiry")
        at = self._state.strays.index(item)
        self._state.strays[at] = replace(item, expires=expires)

    async def tagged(self, repo: RepoPath) -> frozenset[int]:
        await self._state.script.pass_through("tagged")
        names = (tag.rpartition(":")[2] for tag in self._state.tags if f"/{repo}:" in tag)
        return frozenset(number for name in names if (number := naming.tagged(name)) is not None)

    def tag_for(self, repo: RepoPath, number: int, sha: str) -> str:
        return f"registry.example.com/{repo}:{naming.tag(number, sha)}"

    async def prepare(self, repo: RepoPath) -> None:
        await self._state.script.pass_through("prepare")

    async def examine(self, image: Image, log: Log) -> Image:
        return replace(image, scan=self._state.scan)

    async def remove_tags(self, repo: RepoPath, number: int) -> TagRemoval:
        asked = {tag for tag in self._state.tags if f":pr-{number}-" in tag}
        kept = {
            name: "immutable" for tag in asked if (name := tag.rpartition(":")[2]) in self._state.immutable
        }
        gone = {tag for tag in asked if tag.rpartition(":")[2] not in kept}
        self._state.tags -= gone
        return TagRemoval(len(gone), kept)

    async def ping(self) -> str | None:
        return None

    def log(self, run: int, step: str) -> Log:
        return self._state.logs.setdefault((run, step), FakeLog())

    async def flush(self, run: int, step: str) -> None:
        return

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        self._state.reports[run, suite] = report


def _app(key: EnvironmentKey) -> Item:
    """Return the container of a deployed service, made long ago."""
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    return Item(ItemKind.CONTAINER, f"app of {key}", "app", key.repo, key.number, key.name, made_at=made_at)


@asynccontextmanager
async def _no_file() -> AsyncIterator[Path]:
    yield Path("/nonexistent")
