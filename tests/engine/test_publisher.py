"""A comment is said by whoever has its word for it: not by one that hung until another may have said it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.engine.comments.publisher import CommentPublisher, CommentUpdate
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.text import Language
from bot.model.views import Apology, View

WHERE = (RepoPath("team", "shop"), 1, "<!-- m -->")


@dataclass
class FakeWorld:
    """Forge, store, renderer and identity of one publisher."""

    lease: Lease = field(default_factory=lambda: Lease("one"))
    posted: list[str] = field(default_factory=list)
    release: int = 0

    @property
    def pulls(self) -> "FakeWorld":
        return self

    async def claim_comment(self, *_: object) -> tuple[int | None, str]:
        return None, ""

    async def put_comment(self, *_: object) -> None:
        """Remember nothing."""

    async def release_comment(self, *_: object) -> None:
        self.release += 1

    async def post_comment(self, repo: RepoPath, number: int, body: str) -> int:
        self.posted.append(body)
        return 7

    def render(self, *_: object) -> str:
        return "words"


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def publisher(world: FakeWorld) -> CommentPublisher:
    every: Any = world
    return CommentPublisher(every, every, every, every, lambda: world.lease)


async def test_words_are_posted(publisher: CommentPublisher, world: FakeWorld) -> None:
    await publisher.post(CommentUpdate(*WHERE, Apology("t"), Language.EN))
    assert world.posted == ["words"]


async def test_a_replica_that_came_back_under_a_new_name_leaves_the_words_to_others(
    publisher: CommentPublisher, world: FakeWorld
) -> None:
    async def hang() -> View:
        world.lease = Lease("two")
        return Apology("t")

    with pytest.raises(LeaseLost):
        await publisher.post(CommentUpdate(*WHERE, hang, Language.EN))
    assert world.posted == []
    assert world.release == 1
