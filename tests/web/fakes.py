"""In-memory implementations of the ports of the web, and samples of what they return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.core.environments import idle
from bot.model.approval import Approval
from bot.model.delivery import Delivery, Trigger
from bot.model.environment import Endpoint, Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.pipeline import BuildConfig, DeployConfig, TestConfig
from bot.model.plan import Build, Deploy, Plan, Test
from bot.model.queue import QueuePosition
from bot.model.reason import Reason
from bot.model.run import Image, Origin, Run, RunState, StepRecord, StepResult, StepState, TestCounts
from bot.model.scan import Scan, Severity
from bot.model.service_log import ServiceLog
from bot.model.text import Language
from bot.reports import paths
from bot.reports.files import LogChunk
from bot.store.arrivals import InboxFullError

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
REPO = RepoPath("oak", "shop")
SHA = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeClock:
    """A clock that does not advance."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


@dataclass
class FakeInbox:
    """Keeps deliveries by key."""

    kept: list[Delivery] = field(default_factory=list)
    full: bool = False

    async def accept(self, delivery: Delivery) -> bool:
        if self.full:
            raise InboxFullError
        if any(one.key == delivery.key for one in self.kept):
            return False
        self.kept.append(delivery)
        return True


@dataclass
class FakeServiceLogs:
    """The output of services by run and name; that of runs whose environment is gone was kept."""

    texts: dict[tuple[int, str], str] = field(default_factory=dict)

    async def all(self, run: Run, environment: Environment | None) -> Sequence[ServiceLog]:
        names = [name for number, name in self.texts if number == run.id]
        found = [await self.read(run, name, environment) for name in names]
        return [log for log in found if log is not None]

    async def read(self, run: Run, name: str, environment: Environment | None) -> ServiceLog | None:
        text = self.texts.get((run.id, name))
        return None if text is None else ServiceLog(name, run, text, kept=environment is None)


@dataclass
class FakeRuns:
    """Runs by id."""

    by_id: dict[int, Run] = field(default_factory=dict)
    broken: bool = False

    async def queue_positions(self) -> dict[int, QueuePosition]:
        waiting = sorted(run.id for run in self.by_id.values() if run.state is RunState.QUEUED)
        return {run_id: QueuePosition(place) for place, run_id in enumerate(waiting, start=1)}

    def put(self, *runs: Run) -> None:
        self.by_id.update((run.id, run) for run in runs)

    async def run(self, run_id: int) -> Run | None:
        if self.broken:
            raise RuntimeError("secret detail")
        return self.by_id.get(run_id)

    async def runs(
        self,
        *,
        repo: RepoPath | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Run, ...]:
        found = [
            run
            for run in sorted(self.by_id.values(), key=lambda run: -run.id)
            if repo in {None, run.repo} and number in {None, run.number} and (not before or run.id < before)
        ]
        return tuple(found[:limit])

    async def unfinished(self) -> tuple[Run, ...]:
        found = await self.runs(limit=10_000)
        return tuple(run for run in reversed(found) if not run.state.final)


@dataclass
class FakeEnvironments:
    """Environments by label."""

    by_label: dict[str, Environment] = field(default_factory=dict)

    def put(self, *environments: Environment) -> None:
        self.by_label.update((one.host, one) for one in environments)

    async def environments(
        self, repo: RepoPath | None = None, number: int | None = None
    ) -> tuple[Environment, ...]:
        return tuple(
            one
            for one in self.by_label.values()
            if one.state is not EnvironmentState.REMOVED
            and repo in {None, one.key.repo}
            and number in {None, one.key.number}
        )

    async def environment_at(self, host_label: str) -> Environment | None:
        return self.by_label.get(host_label)

    async def request_wake(self, key: EnvironmentKey, at: datetime) -> None:
        self.put(*(idle.wake_requested(one, at) for one in self.by_label.values() if one.key == key))

    async def visited(self, seen: Mapping[str, datetime]) -> None:
        self.put(*(idle.visited(self.by_label[label], at) for label, at in seen.items()))


@dataclass
class FakeApprovals:
    """Approvals of every pull request."""

    given: tuple[Approval, ...] = ()

    async def approvals(self, repo: RepoPath, number: int) -> tuple[Approval, ...]:
        return self.given if str(repo) and number else ()


@dataclass
class FakeRunFiles:
    """Logs in memory; reports where a test puts them."""

    texts: dict[tuple[int, str], str] = field(default_factory=dict)
    reports: dict[int, bytes] = field(default_factory=dict)
    own: dict[tuple[int, str], bytes] = field(default_factory=dict)

    def append(self, run: int, step: str, text: str) -> None:
        self.texts[run, step] = self.texts.get((run, step), "") + text

    async def read_log(self, run: int, step: str, offset: int, limit: int) -> LogChunk:
        found = self.texts.get((run, step), "").encode()[offset : offset + limit]
        text = found.decode(errors="ignore")
        return LogChunk(text, offset + len(text.encode()))

    async def has_report(self, run: int) -> bool:
        return run in self.reports

    async def report(self, run: int) -> bytes | None:
        return self.reports.get(run)

    async def own_page(self, run: int, name: str) -> str | None:
        return paths.own_page(name, [known for number, known in self.own if number == run])

    async def own_report(self, run: int, name: str) -> bytes | None:
        return self.own.get((run, name))


PLAN = Plan(
    (Build(SHA, BuildConfig()), Deploy(SHA, DeployConfig(), {}), Test(SHA, TestConfig(), BuildConfig()))
)


def step(name: str, state: StepState, result: StepResult | None = None) -> StepRecord:
    """Return a step of a run; one that has begun did so two minutes ago."""
    begun = NOW - timedelta(minutes=2) if state is not StepState.WAITING else None
    ended = NOW - timedelta(seconds=95) if state.final else None
    return StepRecord(name, state, begun, ended, result, attempt=1 if begun else 0)  # type: ignore[arg-type] # tests name steps freely


def run(run_id: int = 42, state: RunState = RunState.RUNNING, **changes: object) -> Run:
    """Return a run under way; its build is running."""
    values: dict[str, object] = {
        "repo": REPO,
        "number": 7,
        "sha": SHA,
        "plan": PLAN,
        "origin": Origin(Trigger.COMMENT, "lin", "/deploy"),
        "language": Language.ZH,
        "created_at": NOW - timedelta(minutes=3),
        "started_at": NOW - timedelta(minutes=2),
        "finished_at": NOW if state.final else None,
        "title": "购物车支持优惠券",
        "steps": (
            step("build", StepState.RUNNING),
            step("deploy", StepState.WAITING),
            step("test", StepState.WAITING),
        ),
    }
    return Run(id=run_id, state=state, **{**values, **changes})  # type: ignore[arg-type] # a builder for tests


SCAN = Scan({Severity.CRITICAL: 1, Severity.LOW: 3}, 2, "Trivy <v1>")
IMAGE = Image("registry.test/oak/shop:pr-7-01234567", "sha256:" + "ab" * 32, 46_000_000, SHA, SCAN)


def finished_run(run_id: int = 41) -> Run:
    """Return a run whose tests failed."""
    counts = TestCounts(passed=5, failed=2, skipped=1, flaky=1, seconds=3.2)
    return run(
        run_id,
        RunState.FAILED,
        steps=(
            step("build", StepState.PASSED, StepResult(StepState.PASSED, image=IMAGE)),
            step(
                "deploy", StepState.PASSED, StepResult(StepState.PASSED, url="http://pr-7-shop.preview.test/")
            ),
            step("test", StepState.FAILED, failed_tests(counts)),
        ),
    )


def failed_tests(counts: TestCounts) -> StepResult:
    """Return what came of tests of which two failed."""
    return StepResult(
        StepState.FAILED,
        Reason.TESTS_FAILED,
        {"failed": "2", "total": "8"},
        tests=counts,
        failed_tests=("cart::test_coupon", "cart::test_empty"),
    )


def environment(
    label: str = "pr-7-shop",
    state: EnvironmentState = EnvironmentState.READY,
    endpoint: Endpoint | None = None,
) -> Environment:
    """Return an environment of pull request 7."""
    return Environment(
        EnvironmentKey(REPO, 7, "preview"),
        label,
        SHA,
        state,
        42,
        NOW - timedelta(hours=1),
        NOW + timedelta(days=2, hours=1),
        endpoint,
    )
