"""Every setting with its meaning and default. The reference and the example file are made from this.

`Secret` hides itself in `repr` and logs; `.get_secret_value()` reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from bot.core.language.command import PermissionLevel
from bot.model.text import Language
from bot.settings.kinds import (
    NO_SECRET,
    STRICT,
    Bytes,
    Count,
    Duration,
    DurationOrNone,
    Kept,
    KeptKeys,
    Port,
    Secret,
    WebAddress,
)
from bot.settings.runners import (
    BuildKitSettings,
    DnsSettings,
    DockerSettings,
    JenkinsSettings,
    KubernetesSettings,
    RegistrySettings,
)

__all__ = [
    "NO_SECRET",
    "STRICT",
    "BuildKitSettings",
    "CommentsSettings",
    "DnsSettings",
    "DockerSettings",
    "GiteeSettings",
    "JenkinsSettings",
    "KubernetesSettings",
    "LimitsSettings",
    "PreviewSettings",
    "RegistrySettings",
    "ReposSettings",
    "RetentionSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "SweepSettings",
]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the bot listens and keeps its files."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` for every one."""
    port: Port = 8080
    """Port of the webhook intake, the pages and the API."""
    public_url: WebAddress = ""
    """Where people's browsers find the pages, such as `https://chatops.example.com`; by default `host` and
    `port`, which only this machine may be able to reach."""
    data_dir: Path = Path("data")
    """Folder for the database, logs, reports and the git cache; kept across restarts."""
    max_body: Bytes = 1 << 20
    """Largest webhook that is accepted, in bytes."""
    grace: Annotated[int, Field(ge=1, le=600)] = 20
    """Seconds that a shutdown may take to interrupt running steps; after that the process ends as it is, and
    what it left is tidied up by whoever takes the runs up."""


@dataclass(frozen=True, slots=True)
class GiteeSettings:
    """Which Gitee, and who the bot is there."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: WebAddress = "https://gitee.com"
    """Address of Gitee, or of a private deployment."""
    api_url: WebAddress = ""
    """Address of its API; by default `/api/v5` below `url`."""
    token: Secret = NO_SECRET
    """Personal access token of the bot's own account, with the scopes user_info, projects, pull_requests and
    notes."""
    webhook_secret: tuple[Secret, ...] = ()
    """Password or sign key of the webhooks; several are live at once while they are being replaced."""
    webhook_mode: Literal["any", "password", "sign"] = "any"
    """What the webhooks send: the plain password, a signature, or either."""
    window: Annotated[int, Field(ge=10, le=3600)] = 300
    """Seconds by which a webhook's time may differ from ours."""

    @property
    def api(self) -> str:
        """The API's address in force."""
        return (self.api_url or f"{self.url.rstrip('/')}/api/v5").rstrip("/")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where deliveries, runs and environments are kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    url: Secret = NO_SECRET
    """Database, such as `sqlite:////srv/chatops/chatops.db` or, for several replicas,
    `postgresql://chatops@db.example.com/chatops`; by default `chatops.db` in `server.data_dir`."""


@dataclass(frozen=True, slots=True)
class ReposSettings:
    """Which repositories the bot works for."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    allow: tuple[str, ...] = ()
    """Patterns such as `org/*` and, to except one, `!org/legacy`; the last that matches counts. Without any
    the bot serves none."""


@dataclass(frozen=True, slots=True)
class PreviewSettings:
    """How visitors reach what was deployed."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    domain: str = "preview.localhost"
    """Parent of all preview names; a wildcard DNS record leads here."""
    port: Port = 8081
    """Port of the preview proxy."""
    scheme: Literal["http", "https"] = "http"
    """How visitors reach it; https where a proxy in front speaks TLS."""
    public_port: Port | None = None
    """Port in visitors' addresses; by default `port`, and with https 443."""
    ttl: Duration = "3d"
    """Longest life of an environment from a deploy or an `/extend` on."""
    warn: DurationOrNone = "12h"
    """How long before an environment is taken down a comment says so; `0` for never. One that was given less
    time than that is taken down without a word."""


@dataclass(frozen=True, slots=True)
class LimitsSettings:
    """How much at once, and how much of it is kept."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    runs: Count = 2
    """Runs at the same time, all together."""
    runs_per_repository: Count = 1
    """Runs at the same time for one repository."""
    docker: Annotated[int, Field(ge=0)] = 0
    """Runs at the same time on the Docker Engine; 0 for no limit of its own."""
    kubernetes: Annotated[int, Field(ge=0)] = 0
    """Runs at the same time on Kubernetes; 0 for no limit of its own."""
    jenkins: Annotated[int, Field(ge=0)] = 0
    """Runs at the same time on Jenkins; 0 for no limit of its own."""
    run_time: Duration = "2h"
    """Longest time for one run, from its first step on."""
    log_bytes: Bytes = 8 << 20
    """Most of one step's log that is kept, in bytes."""
    source_bytes: Bytes = 1 << 30
    """Largest source tree that is sent to a build, in bytes."""


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long things are kept after they are over; what a live environment came from stays."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    logs: Kept = "30d"
    """Logs of steps."""
    reports: Kept = "90d"
    """Test reports and the XML files that they were made of."""
    runs: Kept = "180d"
    """Runs; the newest of each pull request stays longer."""
    deliveries: KeptKeys = "30d"
    """Webhooks that were decided, at least `2d`: by them one that is sent again is known."""


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """How what webhooks did not tell and what was left behind is found and made good."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    enabled: bool = True
    """Whether this is done at all; `chatops gc` clears up in any case."""
    every: Duration = "5m"
    """Time between two looks."""
    age: Duration = "10m"
    """What changed more recently is left alone: a webhook may be on its way, a run may be at it."""


@dataclass(frozen=True, slots=True)
class CommentsSettings:
    """How the bot speaks under a pull request."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    language: Language = Language.ZH
    """Language where a repository does not choose one."""
    style: Literal["full", "brief"] = "full"
    """Whether a run's comment carries the failing lines of its log (full) or only links to them (brief)."""
    templates: Path | None = None
    """Folder with templates that replace the built-in ones of the same name."""
    announce: bool = True
    """Whether a failure, and an environment that is ready or about to be taken down, get a short comment of
    their own, so that people are notified."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; each section's class says what it is for. Absent sections mean their defaults."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT

    server: ServerSettings = field(default_factory=ServerSettings)
    gitee: GiteeSettings = field(default_factory=GiteeSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    repos: ReposSettings = field(default_factory=ReposSettings)
    docker: DockerSettings = field(default_factory=DockerSettings)
    kubernetes: KubernetesSettings = field(default_factory=KubernetesSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    jenkins: JenkinsSettings = field(default_factory=JenkinsSettings)
    buildkit: BuildKitSettings = field(default_factory=BuildKitSettings)
    preview: PreviewSettings = field(default_factory=PreviewSettings)
    dns: DnsSettings = field(default_factory=DnsSettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    sweep: SweepSettings = field(default_factory=SweepSettings)
    comments: CommentsSettings = field(default_factory=CommentsSettings)
    permissions: Mapping[str, PermissionLevel] = field(default_factory=dict)
    """Who may use a command, by its name: anyone, contributor (also the author of a trusted pull request),
    write or admin. What is not named keeps the command's own level."""

    @property
    def store_url(self) -> str:
        """The database in force."""
        return self.store.url.get_secret_value() or f"sqlite:///{self.server.data_dir / 'chatops.db'}"
