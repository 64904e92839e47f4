"""While the store is unavailable, all responses say so, and none is an internal error."""

import logging

import pytest

from bot.model.errors import RetryLater
from bot.model.reason import Reason
from tests.web.conftest import Bench, Client
from tests.web.test_web_intake import PATH, deliver, headers, note

AWAY = RetryLater(Reason.STORE_UNAVAILABLE, {"message": "unable to open database file"})


@pytest.fixture(autouse=True)
def store_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_args: object, **_named: object) -> None:
        raise AWAY

    for records, methods in (
        (bench.inbox, ("accept",)),
        (bench.runs, ("run", "runs", "unfinished")),
        (bench.environments, ("environments",)),
    ):
        for method in methods:
            monkeypatch.setattr(records, method, away)


async def test_a_delivery_that_cannot_be_stored_must_be_retried(client: Client, bench: Bench) -> None:
    response = await client.post(PATH, data=note(), headers=headers())

    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert (await response.json())["status"] == "unavailable"
    assert bench.metric("chatops_deliveries_total", outcome="not_stored") == 1


async def test_the_intake_still_rejects_invalid_deliveries(client: Client) -> None:
    status, _ = await deliver(client, note(), headers("wrong"))

    assert status == 401


@pytest.mark.parametrize("path", ["/", "/runs/1", "/runs/1/live", "/prs/oak/shop/7", "/environments"])
async def test_pages_report_it_in_the_visitors_language(
    client: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    for language, words in (("en", "database does not respond"), ("zh", "数据库暂时没有响应")):
        response = await client.get(path, headers={"Accept-Language": language})
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
        assert words in await response.text()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("path", ["/runs", "/runs/1", "/runs/1/logs/build", "/environments"])
async def test_the_api_reports_it_as_json(client: Client, path: str) -> None:
    response = await client.get(f"/api/v1{path}")

    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert (await response.json())["status"] == "unavailable"


async def test_pages_without_store_access_still_work(client: Client) -> None:
    for path in ("/commands", "/healthz", "/metrics", "/api/v1/openapi.json"):
        assert (await client.get(path)).status == 200
