"""Everything that the web applications depend on; nothing is looked up elsewhere."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.core.reconciling.retention import RetentionPolicy
from bot.engine.records import ApprovalReader, EnvironmentReader
from bot.gitee.signature import Mode, Uses
from bot.model.addresses import Addresses
from bot.model.delivery import Delivery
from bot.model.forge import RepoPath
from bot.model.queue import QueuePosition
from bot.model.text import Language
from bot.model.views import CommandHelp
from bot.ports import Clock
from bot.web.monitoring.metrics import WebMetrics
from bot.web.ports import PreviewRecords, RunFileReader, RunReader, ServiceLogReader
from bot.web.previews.sign_on import SignOn
from bot.web.previews.visits import Visits
from bot.web.throttled_log import Throttle


@dataclass(slots=True)
class UnfinishedBodies:
    """The memory of bodies that are being received."""

    limit: int = 16 << 20
    """Largest size of all together, in bytes."""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class IntakeDeps:
    """What the webhook intake needs."""

    accept: Callable[[Delivery], Awaitable[bool]]
    """Commits a delivery to the store; False if it is a duplicate. Raises InboxFullError and RetryLater."""
    secrets: tuple[str, ...]
    """Valid webhook secrets; several while they are rotated."""
    serves: Callable[[RepoPath], bool]
    """Whether the operator allows the bot to work for a repository."""
    signature_mode: Mode = Mode.ANY
    """What webhooks send: the password, the signature, or either."""
    uses: Uses = field(default_factory=Uses)
    """Counts how often each timestamp and token came; its window is how far a timestamp may be from now."""
    body_limit: int = 1 << 20
    """Largest accepted body, in bytes."""
    body_seconds: float = 10.0
    """Time within which a body must arrive."""
    unfinished: UnfinishedBodies = field(default_factory=UnfinishedBodies)
    throttle: Throttle = field(default_factory=lambda: Throttle(logging.getLogger("bot.web.intake")))
    """Logs refusals."""


@dataclass(frozen=True, slots=True)
class WebDeps:
    """What the pages, the API and the monitoring endpoints need, and the intake's part."""

    intake: IntakeDeps
    runs: RunReader
    environments: EnvironmentReader
    approvals: ApprovalReader
    files: RunFileReader
    services: ServiceLogReader
    queue_positions: Callable[[], Awaitable[Mapping[int, QueuePosition]]]
    """Returns the queue position of each waiting run, by the run's id."""
    readiness: Callable[[], Awaitable[Mapping[str, str | None]]]
    """Returns for each component None, or what is wrong with it."""
    registry: CollectorRegistry
    refresh_stats: Callable[[], Awaitable[None]]
    """Updates the registry's metrics about the store."""
    clock: Clock
    addresses: Addresses
    hosts: tuple[str, ...] = ()
    """Names in Host headers that are answered, besides addresses by number and names of this machine."""
    commands: tuple[CommandHelp, ...] = ()
    language: Language = Language.ZH
    """Language for visitors whose browser asks for neither Chinese nor English."""
    gitee_url: str = "https://gitee.com"
    """Address at which people open repositories and pull requests."""
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    """How long logs and reports can be shown."""
    warning_time: timedelta = timedelta(hours=12)
    """How long before an environment expires the pages point it out."""
    disk_problem: Callable[[], str] = str
    """Returns which disk lacks space, empty if none does; then no run starts, but webhooks are accepted."""


@dataclass(frozen=True, slots=True)
class PreviewDeps:
    """What the preview proxy needs."""

    records: PreviewRecords
    registry: CollectorRegistry
    addresses: Addresses
    """Domain and scheme of the previews, and the addresses of their runs' pages."""
    visits: Visits
    """Records visits, so that unvisited previews can be scaled to zero."""
    sign_on: SignOn = field(default_factory=SignOn)
    """Decides which headers and cookies are withheld from previews."""
    language: Language = Language.ZH
    requests: int = 512
    """Limit of requests in progress to all previews together."""


DEPS = web.AppKey("deps", WebDeps)
METRICS = web.AppKey("metrics", WebMetrics)
