"""Runs, their steps and results."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.model.delivery import Trigger
from bot.model.environment import Endpoint
from bot.model.forge import Merge, RepoPath
from bot.model.holder import Holder
from bot.model.plan import Plan, StepName
from bot.model.reason import Reason
from bot.model.scan import Scan
from bot.model.text import Language

_UNTESTED = {Reason.NO_TEST_RAN, Reason.NOTHING_TESTED, Reason.JENKINS_NO_TEST_RAN}


class RunState(StrEnum):
    """State of a run. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {RunState.QUEUED, RunState.RUNNING}


class StepState(StrEnum):
    """State of a step. `broken` is the fault of the infrastructure, `failed` that of the pull request."""

    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    BROKEN = "broken"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {StepState.WAITING, StepState.RUNNING}


@dataclass(frozen=True, slots=True)
class Image:
    """A pushed image: `reference` is `registry/repository:tag`, `size` is in bytes."""

    reference: str
    digest: str
    size: int
    """0 if unknown."""
    sha: str
    scan: Scan | None = None
    """What the registry's scanner found, if there is one."""
    name: str = ""
    """Its name among `images` of `.chatops.yml`; empty for the only one of `build`."""
    beside: tuple["Image", ...] = ()
    """The other images of the same commit, for the one that the service runs."""
    merge: Merge | None = None
    """The commit that it was built from, if that is a merge of `sha` into the base branch."""
    content: str = ""
    """Hash of what it was built from; empty unless `paths` says what that is."""
    built_from: str = ""
    """The earlier commit from which it was built, if nothing has changed since; empty for `sha`."""

    @property
    def all(self) -> tuple["Image", ...]:
        """Itself and the other images of the same commit."""
        return (replace(self, beside=()), *self.beside)

    def led_by(self, name: str) -> "Image | None":
        """Return the image of the commit with a name, with the others beside it; None if there is none."""
        found = next((one for one in self.all if one.name == name), None)
        return found and replace(found, beside=tuple(one for one in self.all if one.name != name))

    @property
    def tag(self) -> str:
        """The part after the last colon."""
        return self.reference.rpartition(":")[2]

    @property
    def pinned(self) -> str:
        """`registry/repository@sha256:…`, which no later push can change."""
        return f"{self.reference.rpartition(':')[0]}@{self.digest}"


@dataclass(frozen=True, slots=True)
class TestCounts:
    """Numbers of tests by result."""

    __test__ = False

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    flaky: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.skipped

    def __add__(self, other: "TestCounts") -> "TestCounts":
        return TestCounts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.flaky + other.flaky,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True)
class StepResult:
    """Result of a step."""

    state: StepState
    reason: Reason | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    log_tail: str = ""
    """Last lines of output where they explain a failure; hostile text."""
    image: Image | None = None
    url: str | None = None
    """Where the service answers."""
    services: Mapping[str, str] = field(default_factory=dict)
    """Where its public services answer, by name."""
    environment: str | None = None
    endpoint: Endpoint | None = None
    tests: TestCounts | None = None
    failed_tests: tuple[str, ...] = ()
    """The first 50 names of failed tests, as `suite::name`; hostile text."""
    failure_messages: Mapping[str, str] = field(default_factory=dict)
    """What a few of the failed tests say, by their name; hostile text."""
    failed_suites: tuple[str, ...] = ()
    notes: tuple["Note", ...] = field(default_factory=tuple)
    """What the person should know besides the reason."""
    serving_sha: str = ""
    """The commit whose deployment still answers after this one did not succeed; empty if none does."""

    @property
    def images(self) -> tuple[Image, ...]:
        """The image and those of the same commit beside it."""
        return self.image.all if self.image else ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why infrastructure prevents a step, and the seconds until the next attempt."""

    reason: Reason
    facts: Mapping[str, str]
    seconds: int


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step of a run as the store and the pages show it."""

    name: StepName
    state: StepState = StepState.WAITING
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: StepResult | None = None
    attempt: int = 0
    """Number of earlier attempts that were interrupted."""
    waiting: str = ""
    """What it waits for at its runner, hostile text."""
    handle: str = ""
    """Handle by which the runner finds its work again after a restart."""
    link: str = ""
    """Page of the runner that shows the step."""
    trouble: Trouble | None = None
    """Why the next attempt is pending; None during an attempt."""

    @property
    def seconds(self) -> float | None:
        """Duration in seconds; None until it is over."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Why a run shall stop; stored with the run, and obeyed by the replica that executes it."""

    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """What started a run: a person's command or an automatic trigger."""

    trigger: Trigger
    actor: str
    command: str = ""
    """The command lines as typed, hostile text; empty for automatic runs."""
    delivery: str = ""
    """Key of the delivery."""


@dataclass(frozen=True, slots=True)
class Run:
    """A plan and its execution for one commit of a pull request."""

    id: int
    repo: RepoPath
    number: int
    sha: str
    plan: Plan
    origin: Origin
    language: Language
    created_at: datetime
    state: RunState = RunState.QUEUED
    steps: tuple[StepRecord, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stop: StopRequest | None = None
    clone_url: str = ""
    author: str = ""
    """Login of the pull request's author."""
    branch: str = ""
    """Name of the pull request's branch, hostile text."""
    title: str = ""
    """Title of the pull request when the run began, hostile text."""
    uid: str = ""
    """Random name that tells it from the run with its number in a store that was lost, or restored since."""
    notes: tuple["Note", ...] = field(default_factory=tuple)
    """What the person should know besides, such as “the change to .chatops.yml counts from the merge on”."""

    @property
    def name(self) -> str:
        """Its name in addresses, `7-x7k2p9`: no other run ever has it."""
        return f"{self.id}-{self.uid}" if self.uid else str(self.id)

    @property
    def remarks(self) -> tuple["Note", ...]:
        """Its own notes, and those of its steps."""
        found = (record.result.notes for record in self.steps if record.result)
        return (*self.notes, *(note for notes in found for note in notes))

    @property
    def untested(self) -> bool:
        """Whether its tests ended well although none ran; a deployment may have none at all."""
        skipped = [record for record in self.steps if record.state is StepState.SKIPPED]
        reasons = {record.result.reason for record in skipped if record.result}
        nothing_else = len(skipped) == len(self.steps)
        return bool(reasons & _UNTESTED) or (nothing_else and Reason.NO_TESTS in reasons)

    @property
    def holder(self) -> Holder:
        """What the present attempt's creations carry: each interruption of a step begins a new attempt."""
        return Holder(self.id, sum(record.attempt for record in self.steps))


@dataclass(frozen=True, slots=True)
class Note:
    """A remark with a stable code, worded by templates (`note_<code>`)."""

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)
