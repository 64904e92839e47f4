"""What the engine asks of the store, stated next to its user.

Everything raises RetryLater(STORE_UNAVAILABLE) while the store is away.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.model.delivery import Delivery
from bot.model.environment import Environment
from bot.model.forge import RepoPath
from bot.model.lease import Lease, Members
from bot.model.observed import ObservedState, RepositoryCursor
from bot.model.outcome import Decision
from bot.model.queue import QueueEntry
from bot.model.run import Image, Run, StopRequest


class ReplicaRecords(Protocol):
    """The replicas on this store."""

    async def join(self, name: str) -> Lease:
        """Enter a replica."""
        ...

    async def heartbeat(self, lease: Lease) -> Members:
        """Tell that it lives, and return all. Raises LeaseLost."""
        ...

    async def evict(self, name: str, heartbeat: int) -> bool:
        """Evict a stalled replica; False if its heartbeat has grown since."""
        ...

    async def leave(self, lease: Lease) -> None:
        """Release everything that this replica holds."""
        ...


class InboxRecords(Protocol):
    """Deliveries that wait for their decision."""

    async def claim(
        self, lease: Lease, now: datetime, limit: int, *, handling: Collection[str] = ()
    ) -> tuple[tuple[Delivery, int], ...]:
        """Take due deliveries, one of each pull request, each with its attempt."""
        ...

    async def postpone(self, key: str, due_at: datetime) -> None:
        """Look at it again at `due_at`."""
        ...

    async def fail(self, key: str, ending: str, at: datetime) -> None:
        """Close a delivery that could not be decided."""
        ...

    async def wanting(self, keys: Collection[str]) -> frozenset[str]:
        """Return the keys of deliveries that never came, or were given up in times of trouble."""
        ...

    async def waiting(self) -> frozenset[tuple[str, int]]:
        """Return the pull requests of which deliveries wait, their repositories in lower case."""
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

    async def queue(self) -> tuple[QueueEntry, ...]:
        """Return what scheduling looks at in each of them."""
        ...

    async def claim(
        self, lease: Lease, choose: Callable[[Sequence[QueueEntry]], Collection[int]]
    ) -> tuple[Run, ...]:
        """Take those that are chosen from the queue; nobody else chooses meanwhile."""
        ...

    async def save(self, run: Run, lease: Lease) -> Run:
        """Keep progress; return the run with what others have set meanwhile. Raises LeaseLost."""
        ...

    async def release(self, run_id: int, lease: Lease) -> None:
        """Give a run back."""
        ...

    async def at_revision(self, run_id: int) -> tuple[Run, int] | None:
        """Return a run with the number of its changes."""
        ...

    async def follower(self, run: Run) -> int | None:
        """Return the next run of its pull request that was begun."""
        ...

    async def touch(self, ids: Collection[int]) -> None:
        """Count runs as changed."""
        ...

    async def shown(self, run_id: int, revision: int) -> None:
        """Remember that a run's comments are up to this revision."""
        ...

    async def unshown(self, limit: int = 200) -> tuple[int, ...]:
        """Return runs whose comments may be behind."""
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

    async def change(self, repo: RepoPath, number: int, change: Callable[[Environment], Environment]) -> None:
        """Change the environments of a pull request that are not removed, in one transaction."""
        ...

    async def reserve_hostname(self, environment: Environment, labels: Sequence[str]) -> Environment:
        """Keep a new environment under the first of these host labels that is no other's."""
        ...

    async def environments(
        self, repo: RepoPath | None = None, number: int | None = None
    ) -> tuple[Environment, ...]:
        """Return environments that are not removed."""
        ...

    async def put_image(self, repo: RepoPath, number: int, image: Image) -> None:
        """Remember an image in the registry."""
        ...

    async def images(self, repo: RepoPath, number: int) -> Mapping[str, Image]:
        """Return images by commit."""
        ...

    async def imaged(self) -> frozenset[tuple[RepoPath, int]]:
        """Return the pull requests of which images are remembered."""
        ...

    async def forget_images(self, repo: RepoPath, number: int) -> None:
        """Drop them."""
        ...

    async def approved(self, repo: RepoPath, number: int) -> frozenset[str]:
        """Return the trusted commits."""
        ...

    async def claim_comment(
        self, repo: RepoPath, number: int, marker: str, lease: Lease
    ) -> tuple[int | None, str] | None:
        """Become the only writer of a comment; None while another is. Returns its id and body digest.

        The id is None where it was never begun, 0 where posting was begun.
        """
        ...

    async def release_comment(self, repo: RepoPath, number: int, marker: str, lease: Lease) -> None:
        """Let others write it."""
        ...

    async def put_comment(
        self, repo: RepoPath, number: int, marker: str, comment_id: int, body_digest: str
    ) -> None:
        """Remember a comment by marker."""
        ...


class PastRecords(Protocol):
    """What is over, and may be forgotten."""

    async def over(self, ids: Collection[int]) -> Mapping[int, datetime | None]:
        """Return of each of these runs that is known when it ended, None while it goes on."""
        ...

    async def forget_runs(self, before: datetime, spared: Collection[int], limit: int) -> int:
        """Drop runs that were over by then and can be spared; return how many."""
        ...

    async def forget_deliveries(self, before: datetime, limit: int) -> int:
        """Drop deliveries that were decided by then; return how many."""
        ...


class ObservedStateRecords(Protocol):
    """What was last decided about pull requests."""

    async def of(self, repo: RepoPath, number: int) -> ObservedState | None:
        """Return it for one."""
        ...

    async def among(self, repos: Collection[RepoPath]) -> Mapping[tuple[RepoPath, int], ObservedState]:
        """Return it for all of these repositories, under the paths that are given."""
        ...

    async def note(self, repo: RepoPath, number: int, seen: ObservedState) -> None:
        """Remember how one stands of which no event was decided yet."""
        ...

    async def cursor(self, repo: RepoPath) -> RepositoryCursor | None:
        """Return since when a repository is looked at, and how far."""
        ...

    async def save_cursor(self, repo: RepoPath, known: RepositoryCursor) -> None:
        """Keep that."""
        ...

    async def repositories(self) -> frozenset[RepoPath]:
        """Return every repository that is named anywhere."""
        ...

    async def known_since(self, repo: RepoPath) -> datetime | None:
        """Return when the bot first had to do with a repository."""
        ...


class Records(Protocol):
    """The store."""

    @property
    def replicas(self) -> ReplicaRecords:
        """Replicas."""
        ...

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

    @property
    def past(self) -> PastRecords:
        """What is over."""
        ...

    @property
    def observed(self) -> ObservedStateRecords:
        """Sightings."""
        ...

    async def start(self, run: Run, *, because: Environment | None = None) -> Run | None:
        """Add a run that no delivery asked for; None where something of its pull request goes on.

        None too where the environment that is its reason has changed since.
        """
        ...

    async def put_to_sleep(self, environment: Environment) -> bool:
        """Keep that it sleeps; False where something of its pull request goes on, or it has changed."""
        ...

    async def commit(self, decision: Decision, lease: Lease) -> Run | None:
        """Close a delivery together with all that it decided; return the run. Raises LeaseLost."""
        ...
