"""A fake builder, platform, registry and code source that record calls and fail on demand."""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.core import naming
from bot.core.runs.fencing import holder_of, may_remove, same_run
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import Overtaken
from bot.model.forge import Checkout, Merge, Obstacle, RepoPath, Tree
from bot.model.health import Part
from bot.model.holder import Holder
from bot.model.inventory import Item, ItemKind
from bot.model.lease import Lease
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
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
from bot.sandbox.process import ProcessSandbox
from bot.steps.context import StepAdapters
from tests.fakes.log import FakeLog

DOCKERFILE = "FROM scratch AS runtime\nEXPOSE 8080\nFROM runtime AS test\nCMD test\n"
PASSING = b'<testsuite name="unit"><testcase name="adds"/><testcase name="removes"/></testsuite>'
WELL = Part("1", "app", up=True)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE = 60.0
"""Seconds after which a waiting test fails instead of hanging; no guarantee of the bot."""
FAILING = (
    b'<testsuite name="unit"><testcase name="adds"/>'
    b'<testcase name="removes"><failure message="2 != 3">assert 2 == 3</failure></testcase></testsuite>'
)


@dataclass
class Gate:
    """A point at which one call waits until it is opened or cancelled."""

    cleaned_up: asyncio.Event = field(default_factory=asyncio.Event)
    """A cancelled call waits for this before it ends, as if it cleaned up; set unless a test clears it."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.cleaned_up.set()

    def open(self) -> None:
        """Let the call continue."""
        self._opened.set()

    async def reached(self) -> None:
        """Wait until a call arrives."""
        async with asyncio.timeout(PATIENCE):
            await self._arrived.wait()

    async def left(self) -> None:
        """Wait until the waiting call is cancelled; it may still be cleaning up."""
        async with asyncio.timeout(PATIENCE):
            await self.cancelled.wait()

    async def pass_through(self) -> None:
        """Wait here, as the call."""
        self._arrived.set()
        try:
            await self._opened.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            await self.cleaned_up.wait()
            raise


@dataclass
class Script:
    """What the next calls of each operation do: raise an error or wait at a gate, each used once."""

    _next: dict[str, deque[BaseException | Gate]] = field(default_factory=lambda: defaultdict(deque))

    def fail(self, operation: str, *errors: BaseException) -> None:
        """Make the next calls of an operation raise these errors, in order."""
        self._next[operation].extend(errors)

    def hold(self, operation: str) -> Gate:
        """Make the next call of an operation wait until the returned gate is opened."""
        gate = Gate()
        self._next[operation].append(gate)
        return gate

    async def pass_through(self, operation: str) -> None:
        """Do what the script says for this call of an operation."""
        if not self._next[operation]:
            return
        scripted = self._next[operation].popleft()
        if isinstance(scripted, BaseException):
            raise scripted
        await scripted.pass_through()


@dataclass
class FakeWorld:
    """The state behind the fake adapters."""

    script: Script = field(default_factory=Script)
    dockerfile: str | None = DOCKERFILE
    files: tuple[str, ...] = ()
    """The other files of each commit."""
    contents: dict[str, bytes] = field(default_factory=dict)
    """What some files contain; the others cannot be read."""
    links: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    merges: list[tuple[str, str]] = field(default_factory=list)
    """Heads and bases whose merges were fetched."""
    blobs: dict[str, str] = field(default_factory=dict)
    """Ids of the content of files in each commit, where that matters."""
    built: list[BuildOrder] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    immutable: set[str] = field(default_factory=set)
    """Tags that the registry refuses to delete."""
    scan: Scan | None = None
    """What the registry's scanner finds in every image."""
    fail_on: Severity | None = None
    dns: DnsRecords | None = None
    """DNS records of previews; None with a wildcard record."""
    deployed: dict[EnvironmentKey, EnvironmentSpec] = field(default_factory=dict)
    former: dict[EnvironmentKey, EnvironmentSpec] = field(default_factory=dict)
    """Deployments that answer until the one beside them is retired or discarded."""
    retired: list[EnvironmentKey] = field(default_factory=list)
    """Environments of which older deployments were removed, after a new one."""
    room: bool = True
    """Whether there is memory for two deployments."""
    tested: list[TestSpec] = field(default_factory=list)
    extra_items: list[Item] = field(default_factory=list)
    """Resources in addition to the deployed ones."""
    parts: dict[EnvironmentKey, tuple[Part, ...]] = field(default_factory=dict)
    """Parts of deployed environments; those that are not listed have one part, which is well."""
    last_words: str = ""
    """What a part has written at last."""
    removed_items: list[Item] = field(default_factory=list)
    removed: list[EnvironmentKey] = field(default_factory=list)
    data_removed: list[EnvironmentKey] = field(default_factory=list)
    """Those of the removed environments whose data did not stay."""
    tests_stopped: list[EnvironmentKey] = field(default_factory=list)
    images_removed: list[tuple[RepoPath, int]] = field(default_factory=list)
    outputs: deque[TestOutput] = field(default_factory=deque)
    """Results of the next suites; further suites pass."""
    reports: dict[tuple[int, str], Report] = field(default_factory=dict)
    cleared: list[int] = field(default_factory=list)
    """Runs whose earlier files were removed."""
    logs: dict[tuple[int, str], FakeLog] = field(default_factory=dict)
    jobs: dict[RunnerName, Jobs] = field(default_factory=dict)
    sleeps: bool = False
    """Whether environments can scale to zero."""
    asleep: set[EnvironmentKey] = field(default_factory=set)
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("127.0.0.1", 9))
    """Where every deployed service answers."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The runner's time."""
    made: dict[EnvironmentKey, datetime] = field(default_factory=dict)
    """When the environments were deployed."""
    kept: dict[tuple[int, str], str] = field(default_factory=dict)
    """The output of removed services, by run and name."""
    owners: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """By store, who owns what its bot has created, and until when."""

    def adapters(self) -> StepAdapters:
        """Return adapters that use this state."""
        world = FakeAdapters(self)
        return StepAdapters(
            source=world,
            registry=world,
            reports=world,
            sandbox=ProcessSandbox(),
            builders={RunnerName.DOCKER: world},
            platforms={RunnerName.DOCKER: world},
            fail_on=self.fail_on,
            jobs=self.jobs,
            suspendable={RunnerName.DOCKER: world} if self.sleeps else {},
            side_by_side={RunnerName.DOCKER: world},
        )


class FakeAdapters:
    """All ports of the steps in one class, on one FakeWorld."""

    def __init__(self, state: FakeWorld) -> None:
        self._state = state

    async def fetch(self, repo: RepoPath, clone_url: str, number: int, sha: str) -> None:
        await self._state.script.pass_through("fetch")

    async def fetch_base(self, repo: RepoPath, clone_url: str, sha: str) -> None:
        await self._state.script.pass_through("fetch")

    async def fetch_merge(self, repo: RepoPath, clone_url: str, number: int, sha: str, base: str) -> Merge:
        await self._state.script.pass_through("merge")
        self._state.merges.append((sha, base))
        return Merge(f"{len(self._state.merges):040x}", base, base)

    async def checkout(self, repo: RepoPath, sha: str, *, trusted: bool) -> Checkout:
        return Checkout(sha, dict.fromkeys(self._state.submodules, Obstacle.NOT_SERVED))

    async def read(self, repo: RepoPath, sha: str, path: str, limit: int = 1 << 20) -> bytes | None:
        found = self._state.dockerfile if path == "Dockerfile" else None
        content = found.encode() if found is not None else self._state.contents.get(path)
        return content if content is not None and len(content) <= limit else None

    async def tree(self, repo: RepoPath, sha: str) -> Tree:
        files = (*self._state.files, *self._state.contents)
        executable = frozenset(path for path in files if path.endswith(".sh"))
        return Tree(files, self._state.submodules, self._state.links, executable)

    async def listing(self, repo: RepoPath, sha: str, limit: int) -> bytes | None:
        entries = (f"100644 blob {id_}\t{path}\0" for path, id_ in sorted(self._state.blobs.items()))
        listing = "".join(entries).encode()
        return listing if len(listing) <= limit else None

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
        there = self._state.deployed.get(spec.key)
        if there is not None and not may_remove(there.labels, holder_of(spec.labels)):
            raise Overtaken(Reason.ENGINE_UNAVAILABLE, [self._app(there)])
        if there is not None and spec.beside is not None and same_run(there.labels, spec.beside):
            self._state.former[spec.key] = there
        self._state.deployed[spec.key] = spec
        self._state.made[spec.key] = self._state.now()
        self._state.asleep.discard(spec.key)
        return self._state.endpoint

    async def has_room(self, spec: EnvironmentSpec) -> bool:
        await self._state.script.pass_through("has_room")
        return self._state.room

    async def retire(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._state.script.pass_through("retire")
        self._state.retired.append(key)
        self._state.former.pop(key, None)

    async def discard(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._state.script.pass_through("discard")
        there = self._state.deployed.get(key)
        if there is not None and same_run(there.labels, holder):
            del self._state.deployed[key]
        if (former := self._state.former.pop(key, None)) is not None:
            self._state.deployed[key] = former

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        await self._state.script.pass_through("test")
        self._state.tested.append(spec)
        if self._state.outputs:
            return self._state.outputs.popleft()
        return TestOutput(0, {"junit.xml": PASSING})

    async def stop_tests(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._state.script.pass_through("stop_tests")
        self._state.tests_stopped.append(key)

    async def service_url(self, key: EnvironmentKey, port: int) -> str:
        return f"http://app:{port}"

    async def scale_down(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._state.script.pass_through("sleep")
        there = self._state.deployed.get(key)
        if there is not None and may_remove(there.labels, holder):
            self._state.asleep.add(key)

    async def scale_up(self, key: EnvironmentKey, endpoint: Endpoint | None) -> None:
        await self._state.script.pass_through("wake")
        self._state.asleep.discard(key)

    async def remove(self, key: EnvironmentKey, holder: Holder, *, keep_data: bool = False) -> None:
        await self._state.script.pass_through("remove")
        self._state.data_removed += [] if keep_data else [key]
        there = self._state.deployed.get(key)
        if there is not None and may_remove(there.labels, holder):
            del self._state.deployed[key]
            self._state.former.pop(key, None)
        self._state.removed.append(key)

    async def remove_images(self, repo: RepoPath, number: int, holder: Holder) -> None:
        self._state.images_removed.append((repo, number))

    async def inventory(self) -> tuple[Item, ...]:
        await self._state.script.pass_through("inventory")
        deployed = map(self._app, self._state.deployed.values())
        former = (
            replace(self._app(spec), id=f"former app of {key}") for key, spec in self._state.former.items()
        )
        return tuple(map(self._owned, (*deployed, *former, *self._state.extra_items)))

    def _app(self, spec: EnvironmentSpec) -> Item:
        """Return the container of a deployed service."""
        key, holder = spec.key, holder_of(spec.labels)
        return Item(
            kind=ItemKind.CONTAINER,
            id=f"app of {key}",
            name="app",
            repo=key.repo,
            number=key.number,
            environment=key.name,
            run=holder.run,
            made_at=self._state.made.get(key, LONG_AGO),
            expires=spec.expires.replace(microsecond=0) if spec.expires else None,
            attempt=holder.attempt,
            store=holder.store,
            sha=spec.labels.get(naming.LABEL_SHA, ""),
            host=spec.host.partition(".")[0],
        )

    def _owned(self, item: Item) -> Item:
        by, until = self._state.owners.get(item.store, ("", None))
        return replace(item, owned_by=by, owned_until=until)

    async def endpoint(self, key: EnvironmentKey) -> Endpoint | None:
        await self._state.script.pass_through("endpoint")
        return self._state.endpoint if key in self._state.deployed else None

    async def renew_ownership(self, items: Sequence[Item], store: str, until: datetime) -> None:
        await self._state.script.pass_through("renew_ownership")
        self._state.owners |= {item.store: (store, until) for item in items if item.store}

    async def parts(self) -> Mapping[EnvironmentKey, Sequence[Part]]:
        await self._state.script.pass_through("parts")
        return {key: self._state.parts.get(key, (WELL,)) for key in self._state.deployed}

    async def parts_of(self, key: EnvironmentKey) -> Sequence[Part]:
        await self._state.script.pass_through("parts of")
        there = self._state.deployed.get(key)
        by = holder_of(there.labels) if there else Holder(0, 0)
        return [
            replace(part, run=by.run, store=by.store) for part in self._state.parts.get(key, (WELL,)) if there
        ]

    async def output(self, part: Part, lines: int = 20) -> str:
        await self._state.script.pass_through("output")
        return self._state.last_words or f"the last words of {part.name}"

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        for item in items:
            if item.id == f"app of {item.key}":
                self._state.deployed.pop(item.key, None)
            if item.id == f"former app of {item.key}":
                self._state.former.pop(item.key, None)
        gone = {item.id for item in items}
        self._state.extra_items = [item for item in self._state.extra_items if item.id not in gone]
        self._state.removed_items += items
        return tuple(items)

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        await self._state.script.pass_through("update_expiry")
        if item.id == f"app of {item.key}":
            self._state.deployed[item.key] = replace(self._state.deployed[item.key], expires=expires)
        self._state.extra_items = [
            replace(one, expires=expires) if one.id == item.id else one for one in self._state.extra_items
        ]

    async def tagged(self, repo: RepoPath) -> frozenset[int]:
        await self._state.script.pass_through("tagged")
        names = (tag.rpartition(":")[2] for tag in self._state.tags if re.search(f"/{repo}[:/]", tag))
        return frozenset(number for name in names if (number := naming.tagged(name)) is not None)

    def tag_for(self, repo: RepoPath, number: int, sha: str, image: str = "") -> str:
        path = f"{repo}/{image}" if image else str(repo)
        return f"registry.example.com/{path}:{naming.tag(number, sha)}"

    async def prepare(self, repo: RepoPath) -> None:
        await self._state.script.pass_through("prepare")

    async def has(self, image: Image) -> bool:
        await self._state.script.pass_through("has")
        return image.reference in self._state.tags

    async def examine(self, image: Image, log: Log) -> Image:
        return replace(image, scan=self._state.scan)

    async def remove_tags(self, repo: RepoPath, number: int, images: Collection[str] = ()) -> TagRemoval:
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

    async def clear(self, run: int, lease: Lease) -> None:
        self._state.cleared.append(run)

    async def flush(self, run: int, step: str) -> None:
        return

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        self._state.reports[run, suite] = report

    async def keep_service(self, run: int, name: str, text: str) -> None:
        self._state.kept[run, name] = text


@asynccontextmanager
async def _no_file() -> AsyncIterator[Path]:
    yield Path("/nonexistent")
