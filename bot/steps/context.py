"""What a step gets to work with: its run, its log, the pull request's environments, and the adapters."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from bot.core import naming
from bot.core.admission.builds import BuildPolicy
from bot.model.egress import EgressRule
from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.errors import GiveUp
from bot.model.holder import Holder
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.model.run import Image, Run
from bot.model.scan import Severity
from bot.model.secrets import SecretGrant, SecretValue
from bot.ports import (
    Builder,
    Disks,
    Jobs,
    Log,
    Platform,
    Registry,
    ReportProgress,
    Reports,
    Sandbox,
    Secrets,
    SideBySide,
    Source,
    Suspendable,
)

T = TypeVar("T")


async def _hold() -> None:
    """Do nothing, for steps that are executed outside of a run: nobody else executes them."""


async def _ignore() -> None:
    """Do nothing, for steps that are executed outside of a run."""


async def _ignore_progress(
    *, waiting: str | None = None, handle: str | None = None, link: str | None = None
) -> None:
    """Do nothing, for steps that are executed outside of a run."""


class NoSecrets:
    """The secrets of an operator who has named none."""

    async def read(self, name: str) -> bytes:
        """Refuse to read."""
        raise GiveUp(Reason.SECRET_UNREADABLE, {"name": name})


@dataclass(frozen=True, slots=True)
class StepAdapters:
    """The adapters in use, by runner where there can be several."""

    source: Source
    registry: Registry
    reports: Reports
    sandbox: Sandbox
    builders: Mapping[RunnerName, Builder]
    platforms: Mapping[RunnerName, Platform]
    builds: BuildPolicy = field(default_factory=BuildPolicy)
    """What builds and services may fetch."""
    builds_at_once: int = 2
    """How many images of one commit are built at the same time."""
    instance: str = "chatops"
    """Name of the bot on everything that it creates."""
    fail_on: Severity | None = None
    """Severity of a vulnerability from which on an image is refused; None accepts every image."""
    jobs: Mapping[RunnerName, Jobs] = field(default_factory=dict)
    suspendable: Mapping[RunnerName, Suspendable] = field(default_factory=dict)
    """Platforms that can scale environments to zero."""
    side_by_side: Mapping[RunnerName, SideBySide] = field(default_factory=dict)
    """Platforms where the present deployment answers until the new one does."""
    disks: Mapping[RunnerName, Disks] = field(default_factory=dict)
    """Platforms whose containers write to a disk that the bot watches."""
    secrets: Secrets = field(default_factory=NoSecrets)
    grants: Sequence[SecretGrant] = ()
    """Which steps may have which secret."""
    egress: Sequence[EgressRule] = ()
    """Which environments may reach which networks outside."""

    def builder(self, runner: RunnerName) -> Builder:
        """Return the builder of a runner; raises GiveUp(NOT_SUPPORTED) if it is not configured."""
        return _known(self.builders, runner)

    def platform(self, runner: RunnerName) -> Platform:
        """Return the platform of a runner; raises GiveUp(NOT_SUPPORTED) if it is not configured."""
        return _known(self.platforms, runner)

    def jobs_of(self, runner: RunnerName) -> Jobs:
        """Return the jobs of a runner; raises GiveUp(NOT_SUPPORTED) if it is not configured."""
        return _known(self.jobs, runner)


@dataclass(frozen=True, slots=True)
class StepEnvironment:
    """An environment of the pull request, as steps see it."""

    host: str
    """Public hostname of its preview."""
    url: str
    """Its public URL: the one that its job reported, otherwise the preview's."""
    expires_at: datetime
    port: int | None = None
    """Port of its service on the bot's own runners, while it is ready."""
    reported_url: str = ""
    """URL that its job reported, while it is ready."""
    adopted: Holder | None = None
    """The run that deployed it, if this store does not have that run."""
    present: Holder | None = None
    """The deployment that answers, None if none does."""
    endpoint: Endpoint | None = None
    """Where that answers, for the bot."""
    public: Mapping[str, str] = field(default_factory=dict)
    """URLs of its public services, by name."""

    @property
    def ready(self) -> bool:
        """Whether tests can reach it."""
        return self.port is not None or bool(self.reported_url)


@dataclass(frozen=True, slots=True)
class StepContext:
    """What one step gets to work with."""

    run: Run
    log: Log
    adapters: StepAdapters
    image: Image | None = None
    """Image of the run's commit, if it exists, with the others beside it."""
    built: Sequence[Image] = ()
    """All images of the pull request."""
    environments: Mapping[str, StepEnvironment] = field(default_factory=dict)
    """The environments that exist, by name."""
    resumed: bool = False
    """Whether an earlier attempt was interrupted, which may have left something at the runner."""
    handle: str = ""
    """Handle of the runner's work, as an earlier attempt reported it."""
    report_progress: ReportProgress = _ignore_progress
    index: int = 0
    """Position of the step in its plan."""
    stopped: Callable[[], bool] = lambda: True
    """Whether a cancelled step has to stop its work; otherwise only this bot shuts down."""
    stores: Sequence[str] = ()
    """Identities of the store that gave out the run's number, the present one first."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    confirm: Callable[[], Awaitable[None]] = _hold
    """Raises LeaseLost if another replica may execute the run by now; for what cannot be fenced elsewhere."""
    replacing: Callable[[], Awaitable[None]] = _ignore
    """Stores that the environment does not answer until its deployment has ended."""
    secrets: Mapping[str, Sequence[SecretValue]] = field(default_factory=dict)
    """The secrets of the step, by the part that receives them, such as `build` or `services.db`."""

    def key(self, environment: str) -> EnvironmentKey:
        """Return the key of one environment of this pull request."""
        return EnvironmentKey(self.run.repo, self.run.number, environment)

    def built_commit(self, sha: str) -> str:
        """Return the commit that the images of a head were built from: a merge of it, or itself."""
        merge = self.image.merge if self.image else None
        return merge.sha if merge else sha

    def labels(self, environment: str = "") -> dict[str, str]:
        """Return the labels of everything that this run creates."""
        by = self.holder
        return naming.labels(
            self.key(environment), sha=self.run.sha, run=by.run, attempt=by.attempt, store=by.store
        )

    @property
    def holder(self) -> Holder:
        """What everything carries that this run creates."""
        return self.holders[0]

    @property
    def holders(self) -> tuple[Holder, ...]:
        """The run with each of the store's identities; what carries an earlier one is older too."""
        return tuple(replace(self.run.holder, store=store) for store in self.stores or ("",))

    def values(self, sha: str) -> dict[str, str]:
        """Return the values of placeholders that every step knows, for one of the run's commits."""
        run = self.run
        return {
            "repository": str(run.repo),
            "owner": run.repo.owner,
            "name": run.repo.name,
            "number": str(run.number),
            "sha": sha,
            "short_sha": sha[:8],
            "branch": run.branch,
            "ref": f"refs/pull/{run.number}/head",
            "clone_url": run.clone_url,
            "author": run.author,
            "run": str(run.id),
        }


def _known(runners: Mapping[RunnerName, T], runner: RunnerName) -> T:
    if runner not in runners:
        raise GiveUp(Reason.NOT_SUPPORTED, {"what": f"runner: {runner}"})
    return runners[runner]
