"""Metrics of the web and the sweep. Labels are closed sets: no request can create more and more series."""

import time
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bot.engine.reconciling.repairs import Repair

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


@dataclass(frozen=True, slots=True)
class WebMetrics:
    """Metrics of the intake, the pages and the API."""

    deliveries: Counter
    seconds: Histogram

    @classmethod
    def in_registry(cls, registry: CollectorRegistry) -> "WebMetrics":
        """Create the metrics in this registry."""
        return cls(
            Counter("chatops_deliveries", "Webhook deliveries by outcome.", ["outcome"], registry=registry),
            Histogram(
                "chatops_http_request_seconds",
                "Time to answer HTTP requests, by route.",
                ["method", "route", "status"],
                buckets=BUCKETS,
                registry=registry,
            ),
        )


@dataclass(frozen=True, slots=True)
class PreviewMetrics:
    """Metrics of the preview proxy."""

    requests: Counter
    in_progress: Gauge

    @classmethod
    def in_registry(cls, registry: CollectorRegistry) -> "PreviewMetrics":
        """Create the metrics in this registry."""
        return cls(
            Counter(
                "chatops_preview_requests", "Requests to previews by outcome.", ["outcome"], registry=registry
            ),
            Gauge(
                "chatops_preview_requests_in_progress", "Requests to previews in progress.", registry=registry
            ),
        )


@dataclass(frozen=True, slots=True)
class SweepMetrics:
    """Metrics of the sweep."""

    repairs: Counter

    @classmethod
    def in_registry(cls, registry: CollectorRegistry) -> "SweepMetrics":
        """Create the metrics in this registry."""
        repairs = Counter("chatops_repairs", "Repairs by the sweep, by kind.", ["kind"], registry=registry)
        for kind in Repair:
            repairs.labels(kind=kind)
        return cls(repairs)

    def repaired(self, kind: Repair) -> None:
        """Count a repair."""
        self.repairs.labels(kind=kind).inc()


def timing(metrics: WebMetrics) -> Middleware:
    """Return a middleware that times each request under the pattern of its route."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        response = await handler(request)
        resource = request.match_info.route.resource
        metrics.seconds.labels(
            method=request.method if request.method in METHODS else "other",
            route=resource.canonical if resource else "unmatched",
            status=str(response.status),
        ).observe(time.perf_counter() - began)
        return response

    return measure
