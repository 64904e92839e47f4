"""What the engine and the steps ask of the outside world: one small Protocol per door.

Adapters raise only the errors of `bot.model.errors`; whatever else comes out of one is a bug.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.model.environment import Endpoint, EnvironmentKey
from bot.model.forge import Comment, Listed, Permission, PullRequest, RepoPath, User
from bot.model.inventory import Item
from bot.model.report import Report
from bot.model.run import Image
from bot.model.text import Language
from bot.model.views import View


class Clock(Protocol):
    """The time, so that tests can own it."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""
        ...


class Log(Protocol):
    """The live log of one step. What is written is shown to people: secrets are masked on the way."""

    def write(self, text: str) -> None:
        """Append output as it came, newlines included."""
        ...

    def note(self, text: str) -> None:
        """Append a line of the bot's own, told apart from output."""
        ...

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of output."""
        ...


class Forge(Protocol):
    """Gitee, as far as the bot needs it. Facts are read afresh at every call."""

    async def whoami(self) -> User:
        """Return the bot's own account."""
        ...

    async def pull_request(self, repo: RepoPath, number: int) -> PullRequest | None:
        """Return the pull request, or None if there is none or it cannot be seen."""
        ...

    async def pulls_updated(self, repo: RepoPath, since: datetime, limit: int) -> tuple[Listed, ...]:
        """Return pull requests in any state that changed since then, the latest change last.

        At most `limit`; none if there is no such repository, or it cannot be seen.
        """
        ...

    async def open_pulls(self, repo: RepoPath, limit: int) -> tuple[Listed, ...]:
        """Return open pull requests, the newest first; at most `limit`, and none as above."""
        ...

    async def comments_since(self, repo: RepoPath, number: int, since: datetime) -> tuple[Comment, ...]:
        """Return comments that were written since then, oldest first."""
        ...

    async def changed_files(self, repo: RepoPath, number: int) -> tuple[str, ...]:
        """Return paths that the pull request changes (Gitee tells at most 300)."""
        ...

    async def permission(self, repo: RepoPath, login: str) -> Permission:
        """Return what this person may do there."""
        ...

    async def file(self, repo: RepoPath, path: str, ref: str) -> bytes | None:
        """Return a file's content at a ref, or None if it is absent."""
        ...

    async def comment(self, repo: RepoPath, comment_id: int) -> Comment | None:
        """Return one comment, or None if it is gone."""
        ...

    async def find_comment(self, repo: RepoPath, number: int, marker: str, author: str) -> Comment | None:
        """Return the newest comment by `author` whose body contains `marker`."""
        ...

    async def post_comment(self, repo: RepoPath, number: int, body: str) -> int:
        """Post a comment and return its id."""
        ...

    async def edit_comment(self, repo: RepoPath, comment_id: int, body: str) -> bool:
        """Replace a comment's body; False if the comment is gone."""
        ...


class Source(Protocol):
    """The code of pull requests, out of a hardened shallow cache."""

    async def fetch(self, repo: RepoPath, clone_url: str, number: int, sha: str) -> None:
        """Bring exactly this commit into the cache.

        Raises TellUser(HEAD_MOVED | COMMIT_GONE), RetryLater(GIT_UNAVAILABLE), GiveUp(GIT_DENIED).
        """
        ...

    async def fetch_base(self, repo: RepoPath, clone_url: str, sha: str) -> None:
        """Bring a commit of a base branch into the cache.

        Raises TellUser(COMMIT_GONE), RetryLater(GIT_UNAVAILABLE), GiveUp(GIT_DENIED).
        """
        ...

    async def read(self, repo: RepoPath, sha: str, path: str, limit: int = 1 << 20) -> bytes | None:
        """Return one file of a fetched commit, or None if there is none, or it is larger than `limit`."""
        ...

    def archive(self, repo: RepoPath, sha: str, folder: str = ".") -> AbstractAsyncContextManager[Path]:
        """Give a tar of a fetched commit's folder, removed again on leaving."""
        ...

    async def gc(self) -> None:
        """Forget commits that were not used for long, and give their space back."""
        ...


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """One image to build. `tag` is `repository:tag` with its registry."""

    tag: str
    dockerfile: str
    """Path inside the context."""
    target: str | None
    args: Mapping[str, str]
    labels: Mapping[str, str]
    context: Path
    """A tar."""


@dataclass(frozen=True, slots=True)
class Built:
    """A local image: engine id, bytes on disk, and the ports that it EXPOSEs."""

    id: str
    size: int
    ports: tuple[int, ...]


class Builder(Protocol):
    """Makes images and pushes them."""

    async def build(self, order: BuildOrder, log: Log) -> Built:
        """Build; cancelling the task stops the build where it goes on.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(BUILD_FAILED | NO_DOCKERFILE |
        DOCKERFILE_INVALID | TARGET_UNKNOWN | BASE_IMAGE_MISSING | OUT_OF_MEMORY).
        """
        ...

    async def push(self, tag: str, log: Log) -> str:
        """Push and return the manifest's digest.

        Raises RetryLater(REGISTRY_UNAVAILABLE | ENGINE_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A container beside the service."""

    name: str
    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """Manifests or a chart, from the repository or, for a chart, from elsewhere."""

    path: str
    """Folder in the repository, or the address of a chart."""
    archive: Path | None = None
    """A tar of that folder."""
    chart: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    """What the chart is told, by the paths of its values."""


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """All that a platform needs to deploy one environment."""

    key: EnvironmentKey
    host: str
    """Public host name, for platforms that route by name themselves."""
    image: Image
    port: int | None
    """None means the first port that the image EXPOSEs."""
    env: Mapping[str, str]
    command: tuple[str, ...]
    services: Sequence[ServiceSpec]
    memory: str
    health_path: str | None
    health_timeout: int
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    """Login of the pull request's author."""
    ttl: int = 0
    """Seconds that it is to live; 0 means it is not known."""
    definition: Definition | None = None
    """The repository's own words about how it is deployed, for platforms that take them."""
    replace: bool = False
    """Whether what is there goes before the new comes."""


@dataclass(frozen=True, slots=True)
class TestSpec:
    """One suite to run beside a deployed environment."""

    __test__ = False

    key: EnvironmentKey
    suite: str
    image: str
    """Engine id or reference."""
    command: str
    """Shell command; empty means the image's own."""
    env: Mapping[str, str]
    report: str
    """Path inside the container that is read afterwards."""
    timeout: int
    memory: str
    labels: Mapping[str, str] = field(default_factory=dict)
    standalone: bool = False
    """There is no environment to test against: a network of the suite's own is made and removed."""


@dataclass(frozen=True, slots=True)
class TestOutput:
    """What a suite left behind: `files` are the XML files under the report path, by relative path."""

    __test__ = False

    exit_code: int
    files: Mapping[str, bytes]


class Platform(Protocol):
    """Where environments live: Docker on one machine, Kubernetes, Jenkins."""

    async def deploy(self, spec: EnvironmentSpec, log: Log) -> Endpoint:
        """Replace the environment by this one and wait until it is healthy.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(CONTAINER_EXITED | UNHEALTHY |
        NO_PORT | OUT_OF_MEMORY | BASE_IMAGE_MISSING | CONFIG_INVALID).
        Never leaves a half-started environment behind.
        """
        ...

    async def run_tests(self, spec: TestSpec, log: Log) -> TestOutput:
        """Run one suite to its end, streaming its output; cancelling removes the container.

        Raises RetryLater(ENGINE_UNAVAILABLE | REGISTRY_UNAVAILABLE),
        TellUser(TIMED_OUT | OUT_OF_MEMORY |
        NO_ENVIRONMENT | CONTAINER_EXITED | BASE_IMAGE_MISSING | CONFIG_INVALID).
        """
        ...

    async def stop_tests(self, key: EnvironmentKey) -> None:
        """Remove what suites of this environment left running that nobody follows; nothing there is fine."""
        ...

    def service_url(self, key: EnvironmentKey, port: int) -> str:
        """Return the address under which tests in the environment find the service."""
        ...

    async def remove(self, key: EnvironmentKey) -> None:
        """Remove containers and network of one environment; nothing there is fine."""
        ...

    async def remove_images(self, repo: RepoPath, number: int) -> None:
        """Remove the local images of a pull request; nothing there is fine."""
        ...

    async def inventory(self) -> tuple[Item, ...]:
        """Return everything there that carries the labels of this very bot, whoever of its runs has made it.

        What belongs to an environment names it, what runs a suite names its run. Leave out what does not
        say of which pull request it is: nobody could tell whose it is.
        Raises RetryLater(ENGINE_UNAVAILABLE) rather than leaving out what could not be read.
        """
        ...

    async def discard(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """Remove exactly these, in this order; return those that are gone, whoever removed them.

        What still is in use stays, and is no error. Raises RetryLater(ENGINE_UNAVAILABLE).
        """
        ...

    async def ping(self) -> str | None:
        """Return None when the platform answers, else what is wrong."""
        ...


@dataclass(frozen=True, slots=True)
class TagRemoval:
    """What became of the tags of a pull request."""

    removed: int = 0
    kept: Mapping[str, str] = field(default_factory=dict)
    """Why the registry keeps a tag, by tag: a rule of its operator's, such as immutability."""


class Tell(Protocol):
    """How a step under way tells of itself; all of it is kept before this returns, None changes nothing."""

    async def __call__(
        self, *, waiting: str | None = None, handle: str | None = None, link: str | None = None
    ) -> None:
        """Tell what it waits for (hostile text), by what it is found again, and which page shows it."""
        ...


@dataclass(frozen=True, slots=True)
class JobOrder:
    """One job of another system to run for a step. `name` is its full name, folders divided by slashes."""

    step: str
    repository: str
    name: str
    parameters: Mapping[str, str]
    required: frozenset[str]
    """Parameters that would be missed: the job has to declare them."""
    key: str
    """Names this very piece of work: what was started under it is taken up again, never started twice."""
    timeout: int
    """Seconds from its beginning; waiting in line does not count."""
    files: tuple[str, ...] = ()
    """Patterns of the archived files to bring."""
    tested: bool = False
    """Whether its published test results are wanted."""
    handle: str = ""
    """What was told before a restart."""


@dataclass(frozen=True, slots=True)
class JobEnding:
    """How a job ended: `result` in the other system's word."""

    name: str
    result: str
    number: int
    report: Report | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


class Jobs(Protocol):
    """Runs jobs that people keep elsewhere: Jenkins."""

    async def run(self, order: JobOrder, log: Log, tell: Tell, stopped: Callable[[], bool]) -> JobEnding:
        """Start a job, or take up the one that was started under the same key, and follow it to its end.

        Cancelling stops it and waits until it is gone if `stopped()`; otherwise this bot only goes away,
        and leaves it to be taken up again. Has a patience of its own with a system that is away. Raises
        TellUser(JENKINS_JOB_UNKNOWN | JENKINS_JOB_DISABLED | JENKINS_JOB_NOT_ALLOWED | JENKINS_PARAMETERS |
        JENKINS_QUEUED_TOO_LONG | JENKINS_ABORTED | TIMED_OUT), GiveUp(JENKINS_LOGIN | JENKINS_DENIED |
        JENKINS_LOST | JENKINS_UNAVAILABLE).
        """
        ...

    async def stop(self, order: JobOrder, log: Log) -> None:
        """Stop what was started under the order's key, if anything was, and wait until it is gone."""
        ...


class Registry(Protocol):
    """Where images are pushed."""

    async def prepare(self, repo: RepoPath) -> None:
        """See to it that images of this repository can be pushed.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    def tag_for(self, repo: RepoPath, number: int, sha: str) -> str:
        """Return `registry/repository:pr-12-<sha8>`."""
        ...

    async def examine(self, image: Image, log: Log) -> Image:
        """Return a pushed image with what the registry knows of it.

        That is its size, if nobody else could tell, and what the registry's scanner found, if it has one.
        Waits for a scan only so long; what is not known then is left out.
        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def tagged(self, repo: RepoPath) -> frozenset[int]:
        """Return the pull requests that have tags such as `pr-12-<sha8>` there.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def remove_tags(self, repo: RepoPath, number: int) -> TagRemoval:
        """Delete the pull request's tags without touching what others share.

        Raises RetryLater(REGISTRY_UNAVAILABLE), GiveUp(REGISTRY_DENIED).
        """
        ...

    async def ping(self) -> str | None:
        """Return None when the registry answers, else what is wrong."""
        ...


class Names(Protocol):
    """Where the names of previews are entered one by one; a wildcard record needs none of this."""

    async def enter(self, labels: Collection[str]) -> str | None:
        """Let these labels below the preview domain resolve for an hour from now.

        Return what is in the way, if anything is.
        """
        ...

    async def withdraw(self, labels: Collection[str]) -> str | None:
        """Let these labels resolve no longer; return likewise."""
        ...


class Renderer(Protocol):
    """Words for views."""

    def render(self, view: View, language: Language, marker: str) -> str:
        """Return the comment's Markdown, the hidden `marker` included, within Gitee's size."""
        ...


class Reports(Protocol):
    """Keeps test reports and step logs where the pages find them."""

    def log(self, run: int, step: str) -> Log:
        """Open the live log of a step for appending."""
        ...

    async def settle(self, run: int, step: str) -> None:
        """Return when all that was written to a log so far is where every page finds it.

        Raises RetryLater(STORE_UNAVAILABLE).
        """
        ...

    async def save(
        self, run: int, suite: str, report: Report, files: Mapping[str, bytes], *, about: str = ""
    ) -> None:
        """Keep a suite's results and the XML they came from; `about` says in a line what was tested."""
        ...
