"""What the engine asks of the store, stated next to its user."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from bot.model.delivery import Delivery
from bot.model.environment import Environment, EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.run import Image, Run, StopRequest


class InboxRecords(Protocol):
    """Deliveries that wait for their decision."""

    async def due(self, now: datetime, limit: int = 100) -> tuple[tuple[Delivery, int], ...]:
        """Return undecided deliveries whose time has come, each with its attempt."""
        ...

    async def postpone(self, key: str, due_at: datetime) -> None:
        """Look at it again at `due_at`."""
        ...

    async def fail(self, key: str, ending: str) -> None:
        """Close a delivery that could not be decided."""
        ...

    async def forget(self, key: str) -> None:
        """Drop a delivery, so that one with its key counts as new."""
        ...


class RunRecords(Protocol):
    """Runs."""

    async def run(self, run_id: int) -> Run | None:
        """Return one run."""
        ...

    async def runs(
        self,
        *,
        repo: RepoPath | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Run, ...]:
        """Return runs, newest first."""
        ...

    async def unfinished(self, repo: RepoPath | None = None, number: int | None = None) -> tuple[Run, ...]:
        """Return runs that are not over, oldest first."""
        ...

    async def save(self, run: Run) -> Run:
        """Keep progress; return the run with what others have set meanwhile."""
        ...

    async def set_comment(self, run_id: int, comment_id: int) -> None:
        """Remember which comment shows this run."""
        ...

    async def request_stop(self, ids: Iterable[int], request: StopRequest) -> tuple[int, ...]:
        """Flag unfinished runs."""
        ...


class PullRecords(Protocol):
    """What is remembered of pull requests."""

    async def put_environment(self, environment: Environment) -> None:
        """Keep an environment's state."""
        ...

    async def environments(
        self, repo: RepoPath | None = None, number: int | None = None
    ) -> tuple[Environment, ...]:
        """Return environments that are not removed."""
        ...

    async def host_owner(self, host_label: str) -> EnvironmentKey | None:
        """Return whose address a label is."""
        ...

    async def put_image(self, repo: RepoPath, number: int, image: Image) -> None:
        """Remember an image in the registry."""
        ...

    async def images(self, repo: RepoPath, number: int) -> Mapping[str, Image]:
        """Return images by commit."""
        ...

    async def forget_images(self, repo: RepoPath, number: int) -> None:
        """Drop them."""
        ...

    async def approved(self, repo: RepoPath, number: int) -> frozenset[str]:
        """Return the trusted commits."""
        ...

    async def comment(self, repo: RepoPath, number: int, marker: str) -> tuple[int, str] | None:
        """Return id and body digest of a comment by marker; id 0: posting was begun."""
        ...

    async def put_comment(
        self, repo: RepoPath, number: int, marker: str, comment_id: int, body_digest: str
    ) -> None:
        """Remember a comment by marker."""
        ...


class Records(Protocol):
    """The store."""

    @property
    def inbox(self) -> InboxRecords:
        """Deliveries."""
        ...

    @property
    def runs(self) -> RunRecords:
        """Runs."""
        ...

    @property
    def pulls(self) -> PullRecords:
        """Pull requests."""
        ...

    async def start(self, run: Run) -> Run:
        """Add a run that no delivery asked for; return it with its number."""
        ...

    async def conclude(
        self,
        key: str,
        ending: str,
        *,
        start: Run | None = None,
        stop: Iterable[int] = (),
        request: StopRequest | None = None,
        approve: tuple[RepoPath, int, str, str, datetime] | None = None,
    ) -> Run | None:
        """Close a delivery together with all that it decided."""
        ...
