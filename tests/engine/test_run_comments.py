"""The comment of a run shows its state at the time of writing, not that at the time of asking."""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.app.clock import SystemClock
from bot.core.markers import Owner
from bot.core.runs.scheduling import RunLimits
from bot.engine.comments.publisher import CommentPublisher
from bot.engine.comments.run_comments import RunComments
from bot.model.addresses import Addresses
from bot.model.lease import Lease
from bot.model.run import Run, RunState
from bot.model.views import RunView
from tests.render.run_samples import BUILT, run


@dataclass
class FakePorts:
    """Fake store, forge, renderer and identity; another replica holds the comment while the run changes."""

    states: list[tuple[Run, int]]
    """Each state of the run with its revision; the last one stays."""
    rendered: list[RunState] = field(default_factory=list)
    recorded: list[int] = field(default_factory=list)
    contended: int = 2

    @property
    def pulls(self) -> "FakePorts":
        return self

    @property
    def runs(self) -> "FakePorts":
        return self

    async def at_revision(self, _run: int) -> tuple[Run, int]:
        return self.states[0]

    async def follower(self, _run: Run) -> None:
        """There is none."""

    async def owner(self) -> Owner:
        return Owner("chatops", "k3f9q2xa")

    async def login(self) -> str:
        return "chatops-bot"

    async def find_comment(self, *_: object) -> None:
        """There is none."""

    async def claim_comment(self, *_: object) -> tuple[int | None, str, None] | None:
        self.contended -= 1
        return None if self.contended >= 0 else (None, "", None)

    async def release_comment(self, *_: object) -> None:
        """Do nothing."""

    async def put_comment(self, *_: object, **_named: object) -> None:
        """Do nothing."""

    async def post_comment(self, *_: object) -> int:
        return 7

    async def shown(self, _run: int, revision: int, _lease: Lease) -> None:
        self.recorded.append(revision)

    def render(self, view: RunView, *_: object) -> str:
        self.rendered.append(view.run.state)
        return "words"

    async def sleep(self, _seconds: float) -> None:
        if len(self.states) > 1:
            self.states.pop(0)


async def test_a_run_that_changes_while_its_comment_is_taken_is_shown_as_it_is_then() -> None:
    passed = run(BUILT)
    running = replace(passed, state=RunState.RUNNING)
    ports = FakePorts([(running, 1), (passed, 2)])
    every: Any = ports
    publisher = CommentPublisher(
        every, every, every, every, lambda: Lease("one"), clock=SystemClock(), sleep=ports.sleep
    )
    addresses = Addresses("https://bot.example.com", "preview.example.com")

    await RunComments(every, publisher, addresses, lambda: RunLimits(1, 1), announce=frozenset()).publish(
        passed.id
    )

    assert ports.rendered == [RunState.PASSED]
    assert ports.recorded == [2]
