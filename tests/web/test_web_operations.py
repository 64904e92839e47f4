"""Alive, ready, measured."""

from tests.web.conftest import Bench, Client
from tests.web.fakes import finished_run


async def test_alive_even_when_not_ready(client: Client, bench: Bench) -> None:
    bench.health.parts["docker"] = "connection refused"

    assert (await client.get("/healthz")).status == 200
    answer = await client.get("/readyz")

    assert answer.status == 503
    told = await answer.json()
    assert (told["status"], told["message"]) == ("unavailable", "docker")
    assert told["parts"]["docker"] == {"ready": False, "message": "connection refused"}
    assert told["parts"]["store"]["ready"] is True


async def test_ready_when_every_part_is(client: Client) -> None:
    answer = await client.get("/readyz")

    assert answer.status == 200
    assert (await answer.json())["status"] == "ok"


async def test_requests_are_timed_by_route_and_not_by_address(client: Client, bench: Bench) -> None:
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
