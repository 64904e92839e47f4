"""Adapters with which a bot in another process uses the engine of `tests.crash.engine`."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from bot.app.adapters import Adapters, open_adapters
from bot.core import naming
from bot.core.results.masking import Masker
from bot.core.runs.fencing import holder_of
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import Overtaken, RetryLater
from bot.model.forge import RepoPath
from bot.model.health import Part
from bot.model.holder import Holder
from bot.model.inventory import Item, ItemKind
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.ports import BuildOrder, Built, EnvironmentSpec, Log, TestOutput, TestSpec
from bot.runners.cleanup import uninterrupted
from bot.settings.model import Settings
from tests.crash.engine import OVERTAKEN
from tests.fakes.adapters import PASSING, WELL, FakeAdapters, FakeWorld


class RemoteAdapters(FakeAdapters):
    """Adapters whose builds, environments and tests are in another process and outlive this one."""

    def __init__(self, session: aiohttp.ClientSession, lease: Path) -> None:
        super().__init__(FakeWorld())
        self._session = session
        self._lease = lease
        """File with the name of the present lease."""
        self._builders: dict[str, Holder] = {}
        """Who has built each tag, because a push does not say it."""

    async def build(self, order: BuildOrder, log: Log) -> Built:
        log.write(f"building {order.tag}\n")
        repo, number = order.labels[naming.LABEL_REPO], order.labels[naming.LABEL_NUMBER]
        self._builders[order.tag] = holder_of(order.labels)
        await self._ask("build", holder=holder_of(order.labels), pull=f"{repo}!{number}", key="")
        return Built(f"sha256:{0:064d}", 10_000_000, (8080,))

    async def push(self, tag: str, log: Log) -> str:
        repo, _, name = tag.partition("/")[2].rpartition(":")
        holder = self._builders.get(tag)
        await self._ask("push", holder=holder, pull=f"{repo}!{name.split('-')[1]}", key="")
        return "sha256:" + "d" * 64

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        holder = holder_of(spec.labels)
        try:
            beside = spec.beside.run if spec.beside else None
            await self._ask("deploy", spec.key, holder, sha=spec.image.sha, beside=beside)
        except Exception:
            clean_up = self.discard if spec.beside else self.remove
            await uninterrupted(clean_up(spec.key, holder))
            raise
        return Endpoint("127.0.0.1", 9)

    async def retire(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._ask("retire", key, holder)

    async def discard(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._ask("discard", key, holder)

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        holder = holder_of(spec.labels)
        folder = (await self._ask("test", spec.key, holder))["folder"]
        await self.stop_tests(spec.key, holder)
        return TestOutput(0, _files(Path(folder)) if folder else {"junit.xml": PASSING})

    async def stop_tests(self, key: EnvironmentKey, holder: Holder) -> None:
        await self._ask("stop_tests", key, holder)

    async def remove(self, key: EnvironmentKey, holder: Holder, *, keep_data: bool = False) -> None:
        await self._ask("remove", key, holder)

    async def parts(self) -> Mapping[EnvironmentKey, Sequence[Part]]:
        return {item.key: (WELL,) for item in await self.inventory() if item.kind is ItemKind.CONTAINER}

    async def parts_of(self, key: EnvironmentKey) -> Sequence[Part]:
        items = [item for item in await self._items({"of": key.name}) if item.kind is ItemKind.CONTAINER]
        return [replace(WELL, run=item.run, store=item.store) for item in items if item.key == key]

    async def inventory(self) -> tuple[Item, ...]:
        return await self._items({})

    async def _items(self, query: Mapping[str, str]) -> tuple[Item, ...]:
        with _reachable():
            async with self._session.get("/inventory", params=query) as answer:
                found = await answer.json()
                return tuple(_item(kind, name, Holder(*by), at) for kind, name, by, at in found)

    async def remove_items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        for item in items:
            operation = "collect_tests" if item.kind is ItemKind.TESTS else "collect"
            await self._ask(operation, item.key, item.holder)
        return tuple(items)

    async def _ask(
        self,
        operation: str,
        of: EnvironmentKey | None = None,
        holder: Holder | None = None,
        **more: str | int | None,
    ) -> dict[str, str]:
        known = {"pull": f"{of.repo}!{of.number}", "key": f"{of.repo}!{of.number} {of.name}"} if of else {}
        me = {"pid": os.getpid(), "lease": self._lease.read_text(), "holder": _fields(holder)}
        with _reachable():
            async with self._session.post(f"/{operation}", json={**me, **known, **more}) as answer:
                if answer.status == OVERTAKEN:
                    raise Overtaken(Reason.ENGINE_UNAVAILABLE)
                answer.raise_for_status()
                found: dict[str, str] = await answer.json()
                return found


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientError as error:
        raise RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": str(error)}) from error


def _key(text: str) -> EnvironmentKey:
    pull, _, name = text.partition(" ")
    repo, _, number = pull.partition("!")
    return EnvironmentKey(RepoPath.parse(repo), int(number), name)


def _item(kind: str, name: str, by: Holder, made_at: str) -> Item:
    key, made = _key(name), datetime.fromisoformat(made_at)
    whose = (key.repo, key.number, key.name, by.run)
    return Item(ItemKind(kind), name, name, *whose, made_at=made, attempt=by.attempt, store=by.store)


def _fields(holder: Holder | None) -> tuple[int, int, str]:
    return (holder.run, holder.attempt, holder.store) if holder else (0, 0, "")


def _files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@asynccontextmanager
async def remote_adapters(settings: Settings, masker: Masker) -> AsyncIterator[Adapters]:
    """Open the usual adapters, but use the engine at `[docker] host` in place of all runners."""
    session = aiohttp.ClientSession(settings.docker.host, timeout=aiohttp.ClientTimeout(total=None))
    async with open_adapters(settings, masker) as adapters, session:
        remote: Any = RemoteAdapters(session, settings.server.data_dir / "replica")
        runners = {RunnerName.DOCKER: remote}
        steps = replace(adapters.steps, source=remote, registry=remote, builders=runners, platforms=runners)
        steps = replace(steps, side_by_side=runners)
        yield replace(adapters, steps=steps)
