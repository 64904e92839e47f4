"""A replica writes a comment only while it holds the lease with which it claimed the comment."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.app.clock import SystemClock
from bot.core.markers import Marker, Owner
from bot.engine.comments.publisher import LATE, CommentPublisher, CommentUpdate
from bot.model.errors import RetryLater
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost
from bot.model.lost_answer import LostAnswer
from bot.model.text import Language
from bot.model.views import Apology

LATER = datetime(9999, 1, 1, tzinfo=UTC)
UPDATE = CommentUpdate(
    RepoPath("team", "shop"), 1, Marker("reply", "m"), Apology("t"), Language.EN, since=LATER
)


@dataclass
class FakePorts:
    """Fake forge, store, renderer and identity of one publisher."""

    lease: Lease = field(default_factory=lambda: Lease("one"))
    next_lease: Lease | None = None
    """The replica's lease after rendering."""
    posted: list[str] = field(default_factory=list)
    released: int = 0
    lost: list[LostAnswer] = field(default_factory=list)
    evicted: bool = False
    claimed: tuple[int | None, str, datetime | None] = (None, "", None)

    @property
    def pulls(self) -> "FakePorts":
        return self

    async def owner(self) -> Owner:
        return Owner("chatops", "k3f9q2xa")

    lost_answers = pulls

    async def add(self, lost: LostAnswer) -> None:
        self.lost.append(lost)

    async def login(self) -> str:
        return "chatops-bot"

    async def find_comment(self, *_: object) -> None:
        """Find nothing."""

    async def claim_comment(self, *_: object) -> tuple[int | None, str, datetime | None]:
        return self.claimed

    async def put_comment(self, *_: object, **_named: object) -> None:
        if self.evicted:
            raise LeaseLost

    async def release_comment(self, *_: object) -> None:
        self.released += 1

    async def post_comment(self, repo: RepoPath, number: int, body: str) -> int:
        self.posted.append(body)
        return 7

    def render(self, *_: object) -> str:
        self.lease = self.next_lease or self.lease
        return "words"


@pytest.fixture
def world() -> FakePorts:
    return FakePorts()


@pytest.fixture
def publisher(world: FakePorts) -> CommentPublisher:
    every: Any = world
    return CommentPublisher(every, every, every, every, lambda: world.lease, clock=SystemClock())


async def test_a_comment_is_posted_and_released(publisher: CommentPublisher, world: FakePorts) -> None:
    await publisher.publish(UPDATE)
    assert world.posted == ["words"]
    assert world.released == 1


async def test_a_replica_with_a_new_lease_does_not_write_a_comment_claimed_before(
    publisher: CommentPublisher, world: FakePorts
) -> None:
    world.next_lease = Lease("two")
    with pytest.raises(LeaseLost):
        await publisher.publish(UPDATE)
    assert world.posted == []
    assert world.released == 1


async def test_what_a_replica_wrote_after_its_successor_is_compared_later(
    publisher: CommentPublisher, world: FakePorts
) -> None:
    world.evicted = True
    with pytest.raises(LeaseLost):
        await publisher.publish(UPDATE)
    assert world.posted == ["words"], "it hung between the check of its lease and the request"
    assert [(one.repo, one.number) for one in world.lost] == [(UPDATE.repo, UPDATE.number)]


async def test_a_clock_that_was_set_back_prolongs_no_wait_for_a_late_comment(
    publisher: CommentPublisher, world: FakePorts
) -> None:
    """Or another replica, whose clock is ahead, has recorded that its answer was lost."""
    world.claimed = 0, "", datetime.now(UTC) + timedelta(hours=1)
    with pytest.raises(RetryLater) as waits:
        await publisher.publish(UPDATE)
    assert waits.value.delay is not None
    assert waits.value.delay <= LATE.total_seconds()
    (again,) = world.lost
    assert again.at <= datetime.now(UTC)
