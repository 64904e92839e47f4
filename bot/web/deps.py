"""All that the web is given: values and ports, nothing looked up from elsewhere."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.core.reconciling.retention import RetentionPolicy
from bot.gitee.signature import DEFAULT_WINDOW, Mode
from bot.model.addresses import Addresses
from bot.model.forge import RepoPath
from bot.model.queue import QueuePosition
from bot.model.text import Language
from bot.model.views import CommandHelp
from bot.ports import Clock
from bot.web.monitoring.metrics import WebMetrics
from bot.web.ports import EnvironmentRecords, Health, Inbox, Logs, PreviewRecords, RunRecords
from bot.web.previews.visits import Visits


@dataclass(frozen=True, slots=True)
class WebDeps:
    """What the intake, the API and the pages need."""

    inbox: Inbox
    runs: RunRecords
    environments: EnvironmentRecords
    logs: Logs
    queue_positions: Callable[[], Awaitable[Mapping[int, QueuePosition]]]
    """Where each waiting run stands."""
    health: Health
    clock: Clock
    registry: CollectorRegistry
    recount: Callable[[], Awaitable[None]]
    """Brings what the registry tells of the store up to date."""
    secrets: tuple[str, ...]
    """Webhook secrets in force, several while they are being rotated."""
    serves: Callable[[RepoPath], bool]
    """Whether the operator lets the bot work for a repository."""
    addresses: Addresses
    commands: tuple[CommandHelp, ...] = ()
    language: Language = Language.ZH
    """Language of pages for visitors who ask for none of ours."""
    gitee_url: str = "https://gitee.com"
    """Where people see repositories and pull requests."""
    keep: RetentionPolicy = field(default_factory=RetentionPolicy)
    """How long logs and reports are there to be shown."""
    ahead: timedelta = timedelta(hours=12)
    """How long before the end of an environment people are told."""
    body_limit: int = 1 << 20
    """Largest webhook body, in bytes."""
    body_seconds: float = 30.0
    """How long a sender may take over its body."""
    freshness: timedelta = DEFAULT_WINDOW
    """Largest distance between a delivery's timestamp and now."""
    signature_mode: Mode = Mode.ANY
    """What the hooks send: the password, the signature, or either."""


@dataclass(frozen=True, slots=True)
class PreviewDeps:
    """What the preview proxy needs."""

    records: PreviewRecords
    registry: CollectorRegistry
    addresses: Addresses
    """Domain and scheme of the previews; pages of the runs behind them."""
    visits: Visits
    """Notes who comes, so that what nobody visits can sleep."""
    language: Language = Language.ZH
    connections: int = 512
    """Most connections to services, all together."""
    connections_each: int = 128
    """Most connections to one service."""


DEPS = web.AppKey("deps", WebDeps)
METRICS = web.AppKey("metrics", WebMetrics)
