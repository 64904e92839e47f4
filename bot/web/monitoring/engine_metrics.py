"""What the engine does and what its store holds, as Prometheus metrics beside those of the web."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.model.errors import RetryLater
from bot.model.run import RunState, StepState
from bot.model.store_stats import StoreStats

STEP_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
FRESH = 5.0
"""Seconds for which the store is not counted again, however many ask."""

PATIENCE = 3.0
"""Seconds that counting may take: whoever scrapes does not wait for a store that hangs."""


class EngineMetrics:
    """Implements `bot.engine.metrics.Metrics`: what happens in this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._steps = Histogram(
            "chatops_step_seconds",
            "Time that steps of runs took, by outcome.",
            ["step", "outcome"],
            buckets=STEP_BUCKETS,
            registry=registry,
        )
        self._runs = Counter("chatops_runs_ended", "Runs by outcome.", ["outcome"], registry=registry)
        self._leases = Counter(
            "chatops_leases_lost", "Times this replica had to drop its work.", registry=registry
        )
        self._takeovers = Counter(
            "chatops_takeovers", "Silent replicas whose work was given to others.", registry=registry
        )
        self._retries = Counter(
            "chatops_comment_retries", "Comments that had to be tried again.", registry=registry
        )
        self._removed = Counter(
            "chatops_retention_removed", "What was kept for long enough.", ["kind"], registry=registry
        )

    def step_ended(self, step: str, outcome: StepState, seconds: float) -> None:
        """Count a step."""
        self._steps.labels(step, outcome).observe(seconds)

    def run_ended(self, outcome: RunState) -> None:
        """Count a run."""
        self._runs.labels(outcome).inc()

    def lease_lost(self) -> None:
        """Count it."""
        self._leases.inc()

    def taken_over(self) -> None:
        """Count it."""
        self._takeovers.inc()

    def comment_retried(self) -> None:
        """Count it."""
        self._retries.inc()

    def removed(self, kind: str, count: int) -> None:
        """Count what was removed."""
        self._removed.labels(kind).inc(count)


class StoreMetrics(Collector):
    """What the store holds, for all replicas together; nothing while it is away."""

    def __init__(
        self, count: Callable[[], Awaitable[StoreStats]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._monotonic = monotonic
        self._stats: StoreStats | None = None
        self._counted_at = -FRESH

    async def refresh(self) -> None:
        """Count again unless that was done just now."""
        now = self._monotonic()
        if now - self._counted_at < FRESH:
            return
        self._counted_at = now
        try:
            async with asyncio.timeout(PATIENCE):
                self._stats = await self._count()
        except (RetryLater, TimeoutError):
            self._stats = None

    def describe(self) -> Iterator[Metric]:
        """Tell the names without counting."""
        return iter(_families())

    def collect(self) -> Iterator[Metric]:
        """Tell what was counted last."""
        stats = self._stats
        if stats is None:
            return
        runs, *others = families = _families()
        for state, number in stats.runs.items():
            runs.add_metric([state], number)
        numbers = (stats.waiting, stats.deliveries, stats.unshown, stats.replicas)
        for family, number in zip(others, numbers, strict=True):
            family.add_metric([], number)
        yield from families


def _families() -> tuple[GaugeMetricFamily, ...]:
    return (
        GaugeMetricFamily("chatops_runs", "Runs in the store by state.", labels=["state"]),
        GaugeMetricFamily("chatops_queue_length", "Runs that wait for a replica to take them up."),
        GaugeMetricFamily("chatops_deliveries_pending", "Deliveries that wait for their decision."),
        GaugeMetricFamily("chatops_comments_behind", "Runs whose comments are not up to date."),
        GaugeMetricFamily("chatops_replicas", "Replicas that hold a lease."),
    )
