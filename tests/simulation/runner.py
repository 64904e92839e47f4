"""A model of a runner, its builder and its registry: what exists there, and who asked for what when."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

from bot.core import naming
from bot.core.runs.fencing import holder_of, may_remove, same_run
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import Overtaken, RetryLater
from bot.model.forge import Checkout, Merge, RepoPath, Tree
from bot.model.health import Part
from bot.model.holder import Holder
from bot.model.inventory import Item, ItemKind
from bot.model.lease import Lease
from bot.model.reason import Reason
from bot.model.report import Report
from bot.model.run import Image
from bot.ports import BuildOrder, Built, EnvironmentSpec, Log, TagRemoval, TestOutput, TestSpec
from bot.runners.cleanup import uninterrupted
from tests.fakes.adapters import DOCKERFILE
from tests.fakes.log import FakeLog
from tests.simulation.loop import PROCESS, Process, VirtualLoop
from tests.simulation.network import ORDINARY, Fate, Link, Network, Peer
from tests.simulation.postgresql import EPOCH

T = TypeVar("T")

PATIENCE = 30.0
ORDINARILY, LONG = (0.5, 4.0), (9.0, 20.0)
"""Seconds that a step takes, and some of them."""
SHARE = {"push": 0.1, "deploy": 0.5}
"""Of this time, where it is less."""
LATEST = 20.0
"""Seconds after which a request that was on its way does not take effect any more."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A request that a process made for a run."""

    asked_at: float
    process: Process
    operation: str
    number: int
    holder: Holder


@dataclass(slots=True)
class Runner(Peer):
    """One engine with its registry. Each thing has an id of its own; an environment has one container."""

    loop: VirtualLoop = field(kw_only=True)
    chance: Random = field(kw_only=True)
    items: dict[str, Item] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    trouble: float = 0.0
    """Share of the requests that take effect late, or whose answers are lost."""
    down: bool = False
    owners: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """By store, who owns what its bot has created, and until when."""
    _labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _made: int = 0

    def now(self) -> datetime:
        """Return the time."""
        return EPOCH + timedelta(seconds=self.loop.time())

    def fate(self) -> Fate:
        """Return what becomes of a request."""
        if self.chance.random() >= self.trouble:
            return ORDINARY
        return Fate(late=self.chance.uniform(0, LATEST), answered=self.chance.random() < 0.5)

    def create(self, kind: ItemKind, spec: EnvironmentSpec | TestSpec) -> Item:
        """Create a container. Raises Overtaken if a newer one has its name; an older one is replaced."""
        key, holder = spec.key, holder_of(spec.labels)
        newer = self.remove(kind, key, holder, spec.beside if isinstance(spec, EnvironmentSpec) else None)
        if newer:
            raise Overtaken(Reason.ENGINE_UNAVAILABLE, newer)
        self._made += 1
        made = Item(
            kind=kind,
            id=str(self._made),
            name=f"{kind} of {key.name}",
            repo=key.repo,
            number=key.number,
            environment=key.name,
            run=holder.run,
            made_at=self.now(),
            expires=spec.expires if isinstance(spec, EnvironmentSpec) else None,
            attempt=holder.attempt,
            store=holder.store,
            sha=spec.labels.get(naming.LABEL_SHA, ""),
            host=spec.host.partition(".")[0] if isinstance(spec, EnvironmentSpec) else "",
        )
        self.items[made.id] = made
        self._labels[made.id] = spec.labels
        return made

    def remove(
        self, kind: ItemKind | None, key: EnvironmentKey, holder: Holder, spared: Holder | None = None
    ) -> list[Item]:
        """Remove what is not newer than a holder, without what the spared one's run has; return the rest."""
        found = [
            one
            for one in self.items.values()
            if one.key == key
            and kind in {None, one.kind}
            and not (spared and same_run(self._labels[one.id], spared))
        ]
        for one in found:
            if may_remove(self._labels[one.id], holder):
                del self.items[one.id]
        return [one for one in found if one.id in self.items]

    def discard(self, key: EnvironmentKey, holder: Holder) -> None:
        """Remove what the run of a holder has deployed, in this attempt and older ones."""
        for one in [one for one in self.items.values() if one.key == key]:
            labels = self._labels[one.id]
            if same_run(labels, holder) and may_remove(labels, holder):
                del self.items[one.id]

    def inventory(self) -> tuple[Item, ...]:
        """Return all items, with their owners."""
        nobody = "", None
        return tuple(
            replace(one, owned_by=by, owned_until=until)
            for one in self.items.values()
            for by, until in [self.owners.get(one.store, nobody)]
        )


class ModelRunner:
    """All ports of the steps in one class, as one replica reaches them."""

    def __init__(self, runner: Runner, network: Network, link: Link) -> None:
        self._runner = runner
        self._network = network
        self._link = link

    # The code of pull requests

    async def fetch(self, repo: RepoPath, clone_url: str, number: int, sha: str) -> None:
        return

    async def fetch_base(self, repo: RepoPath, clone_url: str, sha: str) -> None:
        return

    async def fetch_merge(self, repo: RepoPath, clone_url: str, number: int, sha: str, base: str) -> Merge:
        return Merge(sha, base, base)

    async def checkout(self, repo: RepoPath, sha: str, *, trusted: bool) -> Checkout:
        return Checkout(sha)

    async def read(self, repo: RepoPath, sha: str, path: str, limit: int = 1 << 20) -> bytes | None:
        return DOCKERFILE.encode() if path == "Dockerfile" else None

    async def tree(self, repo: RepoPath, sha: str) -> Tree:
        return Tree(("Dockerfile",))

    async def listing(self, repo: RepoPath, sha: str, limit: int) -> bytes | None:
        return b""

    def archive(self, repo: RepoPath, sha: str, folder: str = ".") -> AbstractAsyncContextManager[Path]:
        return _no_file()

    async def gc(self) -> None:
        return

    # Images and their registry

    async def build(self, order: BuildOrder, log: Log) -> Built:
        number, holder = int(order.labels[naming.LABEL_NUMBER]), holder_of(order.labels)
        await self._ask("build", number, holder, lambda: None)
        await self._work("build")
        return Built(f"sha256:{0:064d}", 10_000_000, (8080,))

    async def push(self, tag: str, log: Log) -> str:
        await self._request(lambda: self._runner.tags.setdefault(tag))
        await self._work("push")
        return "sha256:" + "d" * 64

    async def prepare(self, repo: RepoPath) -> None:
        return

    def tag_for(self, repo: RepoPath, number: int, sha: str, image: str = "") -> str:
        path = f"{repo}/{image}" if image else str(repo)
        return f"registry.example.com/{path}:{naming.tag(number, sha)}"

    async def has(self, image: Image) -> bool:
        return await self._request(lambda: image.reference in self._runner.tags)

    async def examine(self, image: Image, log: Log) -> Image:
        return image

    async def tagged(self, repo: RepoPath) -> frozenset[int]:
        names = await self._request(lambda: [tag.rpartition(":")[2] for tag in self._runner.tags])
        return frozenset(number for name in names if (number := naming.tagged(name)) is not None)

    async def remove_tags(self, repo: RepoPath, number: int, images: Collection[str] = ()) -> TagRemoval:
        def removed() -> int:
            gone = [tag for tag in self._runner.tags if f":{naming.tag_prefix(number)}" in tag]
            for tag in gone:
                del self._runner.tags[tag]
            return len(gone)

        return TagRemoval(await self._request(removed))

    async def remove_images(self, repo: RepoPath, number: int, holder: Holder) -> None:
        return

    # Environments and tests

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        holder = holder_of(spec.labels)
        newer = await self._ask(
            "deploy",
            spec.key.number,
            holder,
            lambda: self._runner.remove(None, spec.key, holder, spec.beside),
        )
        if newer:
            raise Overtaken(Reason.ENGINE_UNAVAILABLE, newer)
        try:
            await self._work("deploy")
            await self._ask(
                "create",
                spec.key.number,
                holder,
                lambda: self._runner.create(ItemKind.CONTAINER, spec),
            )
            await self._work("deploy")
        except Exception:
            clean_up = self.discard if spec.beside else self.remove
            await uninterrupted(clean_up(spec.key, holder))
            raise
        return Endpoint("127.0.0.1", 9)

    async def has_room(self, spec: EnvironmentSpec) -> bool:
        return await self._request(lambda: True)

    async def retire(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._ask(
            "retire", key.number, holder, lambda: self._runner.remove(None, key, holder, spared=holder)
        )

    async def discard(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._ask("discard", key.number, holder, lambda: self._runner.discard(key, holder))

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        holder = holder_of(spec.labels)
        await self._ask("test", spec.key.number, holder, lambda: self._runner.create(ItemKind.TESTS, spec))
        await self._work("test")
        await self.stop_tests(spec.key, holder)
        return TestOutput(0, {})

    async def stop_tests(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._ask(
            "stop tests", key.number, holder, lambda: self._runner.remove(ItemKind.TESTS, key, holder)
        )

    async def service_url(self, key: EnvironmentKey, port: int) -> str:
        return f"http://app:{port}"

    async def remove(self, key: EnvironmentKey, holder: Holder, *, keep_data: bool = False) -> None:
        await self._ask("remove", key.number, holder, lambda: self._runner.remove(None, key, holder))

    async def inventory(self) -> tuple[Item, ...]:
        return await self._request(self._runner.inventory)

    async def parts(self) -> Mapping[EnvironmentKey, Sequence[Part]]:
        found = await self.inventory()
        parts: defaultdict[EnvironmentKey, list[Part]] = defaultdict(list)
        for one in found:
            if one.kind is ItemKind.CONTAINER:
                parts[one.key].append(Part(one.id, "app", up=True, run=one.run))
        return parts

    async def parts_of(self, key: EnvironmentKey) -> Sequence[Part]:
        return (await self.parts()).get(key, ())

    async def output(self, part: Part, lines: int = 20) -> str:
        return ""

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        def removed() -> tuple[Item, ...]:
            for item in items:
                self._runner.items.pop(item.id, None)
            return tuple(items)

        return await self._request(removed)

    async def endpoint(self, key: EnvironmentKey) -> Endpoint | None:
        there = await self.inventory()
        return Endpoint("127.0.0.1", 9) if any(one.key == key for one in there) else None

    async def renew_ownership(self, items: Sequence[Item], store: str, until: datetime) -> None:
        stores = {item.store: (store, until) for item in items if item.store}
        await self._request(lambda: self._runner.owners.update(stores))

    async def update_expiry(self, item: Item, expires: datetime) -> None:
        return

    async def ping(self) -> str | None:
        return None

    # Logs and reports

    def log(self, run: int, step: str) -> Log:
        return FakeLog()

    async def clear(self, run: int, lease: Lease) -> None:
        return

    async def flush(self, run: int, step: str) -> None:
        return

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        return

    async def keep_service(self, run: int, name: str, text: str) -> None:
        return

    async def _ask(self, operation: str, number: int, holder: Holder, do: Callable[[], T]) -> T:
        process = PROCESS.get()
        if process is not None and not process.dead:
            effect = Effect(self._runner.loop.time(), process, operation, number, holder)
            self._runner.effects.append(effect)
        return await self._request(do)

    async def _request(self, do: Callable[[], T]) -> T:
        def arrived() -> T:
            if self._runner.down:
                raise _away()
            return do()

        return await self._network.ask(
            self._link, arrived, patience=PATIENCE, unanswered=_away, fate=self._runner.fate()
        )

    async def _work(self, operation: str) -> None:
        """Take time, sometimes longer than a lease lasts."""
        chance = self._runner.chance
        seconds = chance.uniform(*LONG) if chance.random() < 0.2 else chance.uniform(*ORDINARILY)
        await asyncio.sleep(seconds * SHARE.get(operation, 1.0))


def _away() -> RetryLater:
    return RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": "no answer"})


@asynccontextmanager
async def _no_file() -> AsyncIterator[Path]:
    yield Path("/nonexistent")
