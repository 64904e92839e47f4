"""Prometheus metrics of the engine and of the store."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.engine.metrics import Metrics
from bot.model.errors import RetryLater
from bot.model.run import RunState, StepState
from bot.model.store_stats import StoreStats

STEP_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
REFRESH_INTERVAL = 5.0
"""Shortest time between two queries of the store, in seconds."""

QUERY_TIMEOUT = 3.0
"""Seconds after which a query is abandoned, so that a store that hangs does not block a scrape."""


class EngineMetrics(Metrics):
    """Counts what happens in this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._steps = Histogram(
            "chatops_step_seconds",
            "Duration of the steps of runs, by outcome.",
            ["step", "outcome"],
            buckets=STEP_BUCKETS,
            registry=registry,
        )
        self._runs = Counter(
            "chatops_runs_ended", "Runs that ended, by outcome.", ["outcome"], registry=registry
        )
        self._leases = Counter(
            "chatops_leases_lost",
            "Times that this replica lost its lease and dropped its work.",
            registry=registry,
        )
        self._evictions = Counter(
            "chatops_replicas_evicted", "Stalled replicas that this replica evicted.", registry=registry
        )
        self._given_up = Counter(
            "chatops_deliveries_given_up",
            "Webhook deliveries that could not be decided, by reason.",
            ["reason"],
            registry=registry,
        )
        self._retries = Counter("chatops_comment_retries", "Comments that were retried.", registry=registry)
        self._lost_runs = Counter(
            "chatops_lost_runs", "Comments whose run a lost store knew.", registry=registry
        )
        self._other_bots = Counter(
            "chatops_other_bots", "Repositories in which another bot was found.", registry=registry
        )
        self._removed = Counter(
            "chatops_retention_removed",
            "Files and records removed after their retention time.",
            ["kind"],
            registry=registry,
        )
        self._disks = Gauge(
            "chatops_disk_free_bytes",
            "Free space of the disks that runs write to.",
            ["disk"],
            registry=registry,
        )

    def step_ended(self, step: str, outcome: StepState, seconds: float) -> None:
        """Count a step that ended."""
        self._steps.labels(step, outcome).observe(seconds)

    def run_ended(self, outcome: RunState) -> None:
        """Count a run that ended."""
        self._runs.labels(outcome).inc()

    def lease_lost(self) -> None:
        """Count a lost lease."""
        self._leases.inc()

    def replica_evicted(self) -> None:
        """Count an evicted replica."""
        self._evictions.inc()

    def delivery_given_up(self, reason: str) -> None:
        """Count a delivery that could not be decided."""
        self._given_up.labels(reason).inc()

    def comment_retried(self) -> None:
        """Count a retried comment."""
        self._retries.inc()

    def lost_run_reported(self) -> None:
        """Count a comment of a lost run."""
        self._lost_runs.inc()

    def other_bot_found(self) -> None:
        """Count a repository with another bot."""
        self._other_bots.inc()

    def removed(self, kind: str, count: int) -> None:
        """Count files or records that were removed."""
        self._removed.labels(kind).inc(count)

    def disk_measured(self, name: str, free: int) -> None:
        """Set the free space of a disk."""
        self._disks.labels(name).set(free)


class StoreMetrics(Collector):
    """Statistics of the store, the same on every replica; absent while the store is unavailable."""

    def __init__(
        self, query: Callable[[], Awaitable[StoreStats]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._query = query
        self._monotonic = monotonic
        self._stats: StoreStats | None = None
        self._queried_at = -REFRESH_INTERVAL

    async def refresh(self) -> None:
        """Query the store, at most once per REFRESH_INTERVAL."""
        now = self._monotonic()
        if now - self._queried_at < REFRESH_INTERVAL:
            return
        self._queried_at = now
        try:
            async with asyncio.timeout(QUERY_TIMEOUT):
                self._stats = await self._query()
        except (RetryLater, TimeoutError):
            self._stats = None

    def describe(self) -> Iterator[Metric]:
        """Yield the metrics without values."""
        return iter(_families())

    def collect(self) -> Iterator[Metric]:
        """Yield the values of the last query."""
        stats = self._stats
        if stats is None:
            return
        runs, environments, *others = families = _families()
        for family, by_state in ((runs, stats.runs), (environments, stats.environments)):
            for state, number in by_state.items():
                family.add_metric([state], number)
        numbers = (stats.waiting, stats.deliveries, stats.unshown, stats.replicas)
        for family, number in zip(others, numbers, strict=True):
            family.add_metric([], number)
        yield from families


def _families() -> tuple[GaugeMetricFamily, ...]:
    return (
        GaugeMetricFamily("chatops_runs", "Runs in the store, by state.", labels=["state"]),
        GaugeMetricFamily(
            "chatops_environments", "Environments that are not removed, by state.", labels=["state"]
        ),
        GaugeMetricFamily("chatops_queue_length", "Runs that wait for a replica to claim them."),
        GaugeMetricFamily("chatops_deliveries_pending", "Deliveries that wait for a decision."),
        GaugeMetricFamily("chatops_comments_outdated", "Runs whose comment is not up to date."),
        GaugeMetricFamily("chatops_replicas", "Replicas that hold a lease."),
    )
