"""Every setting with its meaning and default; the reference is generated from this module.

`Secret` hides its value in `repr` and in logs; `.get_secret_value()` returns it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bot.core.admission.permissions import Entry
from bot.model.text import Language
from bot.settings.egress import EgressName, EgressSettings
from bot.settings.kinds import (
    NO_SECRET,
    AuditRetention,
    Bytes,
    Count,
    DeliveryRetention,
    Duration,
    DurationOrNone,
    HeaderPattern,
    HostPattern,
    Port,
    RetentionTime,
    Secret,
    Size,
    WebAddress,
    section,
)
from bot.settings.runners import (
    BuildKitSettings,
    BuildSettings,
    DnsSettings,
    DockerSettings,
    JenkinsSettings,
    KubernetesSettings,
    RegistrySettings,
)
from bot.settings.secrets import SecretName, SecretSettings

__all__ = [
    "BuildKitSettings",
    "BuildSettings",
    "CommentsSettings",
    "DnsSettings",
    "DockerSettings",
    "EgressSettings",
    "GiteeSettings",
    "JenkinsSettings",
    "KubernetesSettings",
    "LimitsSettings",
    "PreviewSettings",
    "RegistrySettings",
    "ReposSettings",
    "RetentionSettings",
    "Secret",
    "SecretSettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "SweepSettings",
]


@section
@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the bot listens and stores its files."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` for all IPv4 addresses of the machine."""
    port: Port = 8080
    """Port of the webhook intake, the pages and the API."""
    public_url: WebAddress = ""
    """Address at which browsers reach the pages, such as `https://chatops.example.com`; by default
    made from `host` and `port`, which may work on this machine only."""
    hosts: tuple[HostPattern, ...] = ()
    """More names at which webhooks, pages and the API are answered, besides the one in `public_url`: such as
    `hooks.example.com`, `*.internal.example.com`, or `*` for any name. Names without a dot, names that end in
    `.localhost`, `.svc` or `.cluster.local`, and addresses by number are always answered."""
    data_dir: Path = Path("data")
    """Directory of the database, logs, reports and the git cache; it must survive restarts."""
    max_body: Bytes = 1 << 20
    """Largest accepted webhook body, in bytes."""
    unfinished_bodies: Bytes = 16 << 20
    """Largest size of all webhook bodies together that are being received, in bytes; beyond it, webhooks are
    answered with 503."""
    body_timeout: Annotated[int, Field(ge=1, le=600)] = 10
    """Seconds within which a webhook's body must arrive; Gitee itself gives up after 5."""
    header_timeout: Annotated[int, Field(ge=1, le=600)] = 20
    """Seconds within which the headers of a request must arrive."""
    connections: Annotated[int, Field(ge=16)] = 1024
    """Connections that each of the two ports has open at most. Beyond it, the oldest connection without a
    request in progress is closed; without one, a new connection is answered with 503."""
    connections_per_address: Annotated[int, Field(ge=1)] = 512
    """Connections that one address has open at most, likewise. Behind a reverse proxy all connections come
    from its address: if many people keep pages open, raise it up to `connections`."""
    grace: Annotated[int, Field(ge=1, le=600)] = 20
    """Seconds that a shutdown may take to interrupt running steps. After that the process exits, and the
    replica that resumes the runs cleans up after it."""


@section
@dataclass(frozen=True, slots=True)
class GiteeSettings:
    """The Gitee server, and the bot's account there."""

    url: WebAddress = "https://gitee.com"
    """Address of Gitee, or of a private deployment."""
    api_url: WebAddress = ""
    """Address of its API; by default `/api/v5` below `url`."""
    token: Secret = NO_SECRET
    """Personal access token of the bot's own account, with the scopes user_info, projects, pull_requests and
    notes."""
    webhook_secret: tuple[Secret, ...] = ()
    """Password or signing key of the webhooks; give several while they are rotated, all of them are
    accepted."""
    webhook_mode: Literal["any", "password", "sign"] = "any"
    """What webhooks must send: the plain password, a signature, or either."""
    window: Annotated[int, Field(ge=10, le=3600)] = 300
    """Largest accepted difference between a webhook's timestamp and the bot's clock, in seconds."""

    @property
    def api(self) -> str:
        """The address of the API."""
        return (self.api_url or f"{self.url.rstrip('/')}/api/v5").rstrip("/")


@section
@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The database of deliveries, runs and environments."""

    url: Secret = NO_SECRET
    """Address of the database, such as `sqlite:////srv/chatops/chatops.db` or, for several replicas,
    `postgresql://chatops@db.example.com/chatops`; by default `chatops.db` in `server.data_dir`."""
    lock_url: Secret = NO_SECRET
    """Address of the same PostgreSQL (14 or newer) without a connection pooler such as PgBouncer, for the
    sessions by which PostgreSQL knows that this replica lives, and notifies it; by default `url`."""


@section
@dataclass(frozen=True, slots=True)
class ReposSettings:
    """The repositories that the bot serves."""

    allow: tuple[str, ...] = ()
    """Patterns such as `org/*`, and `!org/legacy` for an exception; the last match decides. By default the
    bot serves no repository."""
    config_from: Literal["reviewed", "base"] = "reviewed"
    """Whose `.chatops.yml` counts. `reviewed`: that of the base branch if this is the default branch or
    protected, otherwise that of the default branch. `base`: that of every base branch, also of one that
    was just pushed without a review."""
    trust_forks: Literal["collaborators", "namespace"] = "collaborators"
    """When the fork of a person with write access needs no `/ok-to-test`. `collaborators`: if it is in that
    person's own namespace and only people with write access to the base repository may push to it, which
    the bot reads from Gitee. `namespace`: if it is in that person's own namespace; weaker, because
    collaborators of the fork then run code as its owner."""


@section
@dataclass(frozen=True, slots=True)
class PreviewSettings:
    """How visitors reach previews."""

    domain: str = "preview.localhost"
    """Parent domain of all previews; a wildcard DNS record points it to the preview proxy or the Ingress
    controller."""
    port: Port = 8081
    """Port of the preview proxy."""
    scheme: Literal["http", "https"] = "http"
    """Scheme of the previews' addresses; https if a proxy in front of the bot terminates TLS."""
    public_port: Port | None = None
    """Port in the previews' addresses; by default `port`, or 443 with https."""
    ttl: Duration = "3d"
    """Longest lifetime of an environment, counted from its last deploy or `/extend`."""
    warn: DurationOrNone = "12h"
    """How long before the teardown of an expired environment a comment announces it; `0` for never. An
    environment whose lifetime is no longer than this is torn down without a warning."""
    drop_headers: tuple[HeaderPattern, ...] = ()
    """Patterns of request headers that the preview proxy withholds from previews, besides the usual ones of
    sign-on proxies (`Authorization`, `X-Auth-Request-*`, `Remote-*` and others). The last match decides;
    `!Authorization` lets previews have a login of their own by Basic or Bearer."""
    drop_cookies: tuple[HeaderPattern, ...] = ()
    """Patterns of cookies, likewise, besides the usual ones of sign-on proxies (`_oauth2_proxy*`,
    `authelia_session*` and others)."""


@section
@dataclass(frozen=True, slots=True)
class LimitsSettings:
    """Limits on concurrency, time and size."""

    runs: Count = 2
    """Runs that may execute at the same time."""
    runs_per_repository: Count = 1
    """Runs of one repository that may execute at the same time."""
    builds_per_run: Count = 2
    """Images of one run that may be built at the same time."""
    docker: Annotated[int, Field(ge=0)] = 0
    """Runs that may use the Docker Engine at the same time; 0 for no separate limit."""
    kubernetes: Annotated[int, Field(ge=0)] = 0
    """Runs that may use Kubernetes at the same time; 0 for no separate limit."""
    jenkins: Annotated[int, Field(ge=0)] = 0
    """Runs that may use Jenkins at the same time; 0 for no separate limit."""
    run_time: Duration = "2h"
    """Longest duration of one run, from its first step."""
    log_bytes: Bytes = 8 << 20
    """Largest stored log of one step, in bytes."""
    source_bytes: Bytes = 1 << 30
    """Largest source tree that is sent to a build, in bytes."""
    disk_free: Size = "1g"
    """Free space that the disks of `server.data_dir` and of the Docker Engine must have, at most a tenth of
    each. With less, no run starts except to tear down, and the largest previews are removed."""


@section
@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long finished work is kept; the run that deployed a live environment is never removed."""

    logs: RetentionTime = "30d"
    """Logs of steps."""
    reports: RetentionTime = "90d"
    """Test reports, and the XML files that they are made from."""
    runs: RetentionTime = "180d"
    """Runs; the latest run of each pull request is kept longer."""
    deliveries: DeliveryRetention = "30d"
    """Processed webhooks (at least `2d`); used to detect redeliveries."""
    audit: AuditRetention = "365d"
    """Audit records (at least `30d`), which `chatops audit` lists."""


@section
@dataclass(frozen=True, slots=True)
class SweepSettings:
    """Periodic reconciliation: recover missed webhooks, delete orphaned resources."""

    enabled: bool = True
    """Whether to sweep periodically; `chatops gc` deletes orphaned resources in either case."""
    every: Duration = "5m"
    """Time between two sweeps."""
    age: Duration = "10m"
    """What changed within this time is skipped, because its webhook may still arrive or a run may still use
    it."""


@section
@dataclass(frozen=True, slots=True)
class CommentsSettings:
    """Comments under pull requests."""

    language: Language = Language.ZH
    """Language of comments, unless the repository chooses one."""
    style: Literal["full", "brief"] = "full"
    """Whether comments on failed runs and `/logs` quote the log's end (full) or just link to it (brief)."""
    templates: Path | None = None
    """Directory of templates that replace the built-in ones of the same name, such as `en/status.md.j2`. A
    macro in its `en/_reasons.md.j2` replaces a single sentence: `no_port(facts)` the one for the reason
    `no_port`, `advice_no_port(facts)` the advice that follows it."""
    announce: bool = True
    """Whether a failed run, a ready environment and an upcoming teardown get a separate short comment, so
    that Gitee notifies people."""
    strangers: Literal["answer", "silent"] = "answer"
    """Whether commands of outside contributors are answered or ignored. They are people without write
    access, except the author of a trusted commit. Their pull requests get the request for approval in
    either case."""
    answers: Count = 10
    """Comments of one person without write access under one pull request that are answered within an hour;
    the last answer says until when further commands are ignored. As many pushes to it get a request for
    approval; after more, `/ok-to-test` asks for the commit's id. There is no limit for people with write
    access."""


@section
@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. A section that is missing has the defaults of its class."""

    server: ServerSettings = field(default_factory=ServerSettings)
    gitee: GiteeSettings = field(default_factory=GiteeSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    repos: ReposSettings = field(default_factory=ReposSettings)
    docker: DockerSettings = field(default_factory=DockerSettings)
    kubernetes: KubernetesSettings = field(default_factory=KubernetesSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    build: BuildSettings = field(default_factory=BuildSettings)
    jenkins: JenkinsSettings = field(default_factory=JenkinsSettings)
    buildkit: BuildKitSettings = field(default_factory=BuildKitSettings)
    preview: PreviewSettings = field(default_factory=PreviewSettings)
    dns: DnsSettings = field(default_factory=DnsSettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    sweep: SweepSettings = field(default_factory=SweepSettings)
    comments: CommentsSettings = field(default_factory=CommentsSettings)
    permissions: tuple[Entry, ...] = ()
    """Who may use a command, by its name: a level (`anyone`; `contributor`, which is write access, or being
    the author of a trusted pull request; `write`; `admin`), a login such as `@lin`, `owners` for the
    approvers in `OWNERS`, or a list of these, each of which is enough. `"deploy production"` is about one
    environment, where it takes the place of `deploy`. A section `[permissions."shop/*"]` is about the
    repositories that its pattern matches; the last match decides. Other commands keep their own level."""
    secrets: Mapping[SecretName, SecretSettings] = field(default_factory=dict)
    """Secrets that builds, services and tests may have, each in a section of its own, such as
    `[secrets.npm-token]`, with these keys and one of `file`, `env` and `kubernetes`, or `jenkins`, or both;
    [Secrets](secrets.md) has more. They cannot be set by environment variables of the bot."""
    egress: Mapping[EgressName, EgressSettings] = field(default_factory=dict)
    """Networks of your own that previews may reach, each group in a section of its own, such as
    `[egress.databases]`, with these keys; the first section that fits decides. Everything else stays out of
    reach, as do this machine and the metadata services of clouds. A commit that somebody without write access
    may have pushed reaches nothing. They cannot be set by environment variables of the bot."""

    @property
    def store_url(self) -> str:
        """The address of the database."""
        return self.store.url.get_secret_value() or f"sqlite:///{self.server.data_dir / 'chatops.db'}"
