"""Liveness, readiness and metrics."""

from dataclasses import replace

from prometheus_client import CollectorRegistry, generate_latest

from bot.model.environment import EnvironmentState
from bot.model.run import RunState, StepState
from bot.model.store_stats import StoreStats
from bot.web.monitoring.engine_metrics import REFRESH_INTERVAL, EngineMetrics
from tests.web.conftest import Bench, Client
from tests.web.fakes import finished_run


async def test_the_bot_is_alive_even_if_it_is_not_ready(client: Client, bench: Bench) -> None:
    bench.components["docker"] = "connection refused"

    assert (await client.get("/healthz")).status == 200
    response = await client.get("/readyz")

    assert response.status == 503
    content = await response.json()
    assert (content["status"], content["message"]) == ("unavailable", "docker")
    assert content["parts"]["docker"] == {"ready": False, "message": "connection refused"}
    assert content["parts"]["store"]["ready"] is True
    assert content["parts"]["disk"] == {"ready": True, "message": "ok"}


async def test_the_bot_is_ready_if_all_components_are(client: Client) -> None:
    response = await client.get("/readyz")

    assert response.status == 200
    assert (await response.json())["status"] == "ok"


async def test_requests_are_timed_by_route(client: Client, bench: Bench) -> None:
    bench.runs.put(finished_run(41))
    for path in ("/runs/41", "/runs/98", "/nowhere/1", "/nowhere/2"):
        await client.get(path)
    await client.request("BREW", "/")

    text = await (await client.get("/metrics")).text()

    labels = 'chatops_http_request_seconds_count{method="GET",route="/runs/{id}",status="%s"} 1.0'
    assert labels % 200 in text
    assert labels % 404 in text
    assert 'route="unmatched",status="404"} 2.0' in text
    assert "nowhere" not in text
    assert "BREW" not in text


async def test_store_metrics_are_refreshed_after_the_interval(client: Client, bench: Bench) -> None:
    bench.stats = StoreStats(
        dict.fromkeys(RunState, 0) | {RunState.PASSED: 7}, {EnvironmentState.FAILING: 5}, 3, 2, 1, 4
    )
    text = await (await client.get("/metrics")).text()
    for line in (
        'chatops_runs{state="passed"} 7.0',
        'chatops_runs{state="queued"} 0.0',
        'chatops_environments{state="failing"} 5.0',
        "chatops_queue_length 3.0",
        "chatops_deliveries_pending 2.0",
        "chatops_comments_outdated 1.0",
        "chatops_replicas 4.0",
    ):
        assert f"\n{line}\n" in text

    bench.stats = replace(bench.stats, replicas=1)
    assert "\nchatops_replicas 4.0\n" in await (await client.get("/metrics")).text()
    bench.seconds += REFRESH_INTERVAL
    assert "\nchatops_replicas 1.0\n" in await (await client.get("/metrics")).text()


async def test_metrics_of_an_unavailable_store_are_absent(client: Client, bench: Bench) -> None:
    response = await client.get("/metrics")

    assert response.status == 200
    text = await response.text()
    assert "chatops_http_request_seconds" in text
    assert "chatops_replicas" not in text


def test_events_of_the_engine_are_counted() -> None:
    registry = CollectorRegistry()
    metrics = EngineMetrics(registry)
    metrics.step_ended("build", StepState.FAILED, 12.0)
    metrics.run_ended(RunState.FAILED)
    metrics.lease_lost()
    metrics.replica_evicted()
    metrics.comment_retried()
    metrics.removed("logs", 5)

    text = generate_latest(registry).decode()

    for line in (
        'chatops_step_seconds_bucket{le="15.0",outcome="failed",step="build"} 1.0',
        'chatops_step_seconds_sum{outcome="failed",step="build"} 12.0',
        'chatops_runs_ended_total{outcome="failed"} 1.0',
        "chatops_leases_lost_total 1.0",
        "chatops_replicas_evicted_total 1.0",
        "chatops_comment_retries_total 1.0",
        'chatops_retention_removed_total{kind="logs"} 5.0',
    ):
        assert f"\n{line}\n" in text
