"""Choosing ports of the playground, and the end of its story."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from bot.core.markers import Marker
from playground import launch, story
from playground.demo_repository import DemoRepository, open_first_pull, seed_demo
from playground.launch import Ports
from playground.server import OfflineGitee
from playground.story import StoryContext
from playground.terminal import PlaygroundOptions


class LazySystem:
    """Returns the first unused port to every request for any port, as an operating system may."""

    def __init__(self) -> None:
        self.taken: set[int] = set()

    def create_server(self, address: tuple[str, int]) -> "Listener":
        port = address[1] or next(port for port in range(20_000, 60_000) if port not in self.taken)
        return Listener(self, port)


class Listener:
    """Occupies a port until it is closed."""

    def __init__(self, system: LazySystem, port: int) -> None:
        self._system, self._port = system, port
        system.taken.add(port)

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", self._port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._system.taken.discard(self._port)


def test_chosen_ports_are_distinct(monkeypatch: pytest.MonkeyPatch) -> None:
    system = LazySystem()
    monkeypatch.setattr(launch, "create_server", system.create_server)
    chosen = Ports(0, 0, 0, 0).chosen()
    assert len({chosen.gitee, chosen.bot, chosen.previews, chosen.jenkins}) == 4
    assert system.taken == set()


@pytest.mark.parametrize(
    ("asked", "ports"),
    [
        ({}, Ports(8002, 8001, 8003, 0)),
        ({"jenkins": True}, Ports(8002, 8001, 8003, 8004)),
        ({"gitee_port": 1, "jenkins_port": 4, "jenkins": True}, Ports(1, 8001, 8003, 4)),
        ({"demo_pr": True}, Ports(0, 0, 0, 0)),
        ({"demo_pr": True, "bot_port": 2, "preview_port": 3}, Ports(0, 2, 3, 0)),
    ],
)
def test_ports_are_the_defaults_or_free_ones_for_a_story_unless_given(
    asked: dict[str, Any], ports: Ports
) -> None:
    options = PlaygroundOptions(**{"demo_pr": False, "registry": "", "data_dir": None, **asked})
    assert options.ports == ports


class Impatient(StoryContext):
    """Posts the bot's last comment only when something waits for it."""

    last_words: Callable[[], Awaitable[None]]

    async def until(self, what: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        if not (answer := await ask()):
            await self.last_words()
            answer = await ask()
        assert answer, what
        return answer


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    async with OfflineGitee(tmp_path / "gitee") as gitee:
        yield gitee


def served(request: httpx.Request) -> httpx.Response:
    """Answer like the bot and its previews after the teardown."""
    run = {"id": 1, "finished_at": "now", "steps": [{"name": "teardown", "state": "passed", "image": None}]}
    return httpx.Response(200, json={"runs": [run]}) if "/api/" in request.url.path else httpx.Response(410)


async def at_the_merge(gitee: OfflineGitee, demo: DemoRepository, client: httpx.AsyncClient) -> Impatient:
    context = Impatient(gitee, demo, client, client, domain="test", registry=client, report=lambda _: None)
    context.number = await open_first_pull(gitee, demo)
    note = await gitee.comment(
        demo.full_name, context.number, f"🔄 **正在清理**\n\n{Marker('run', '1').key}", by=demo.bot
    )

    async def last_words() -> None:
        text = f"✅ **环境已清理**\n\n{Marker('run', '1').key}"
        await gitee.edit_comment(demo.full_name, note, text, by=demo.bot)

    context.last_words = last_words
    return context


async def test_a_story_ends_with_its_last_comment(empty: OfflineGitee) -> None:
    demo = await seed_demo(empty)
    transport = httpx.MockTransport(served)
    async with httpx.AsyncClient(base_url="http://bot", transport=transport) as client:
        context = await at_the_merge(empty, demo, client)
        await story._merge(context)
    [comment] = empty.comments(demo.full_name, context.number, by=demo.bot)
    assert "环境已清理" in comment.body
