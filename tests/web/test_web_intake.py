"""The webhook intake over real HTTP: all its responses."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientError

from bot.gitee.signature import MOST_USES, signature
from bot.model.delivery import Delivery, Trigger
from bot.model.errors import RetryLater
from bot.model.forge import RepoPath
from bot.model.reason import Reason
from bot.web import intake
from tests.web.conftest import Bench, Client
from tests.web.fakes import NOW, SHA

PATH = "/webhooks/gitee"


def stamp(offset: timedelta = timedelta()) -> str:
    return str(round((NOW + offset).timestamp() * 1000))


SECRET = "s3cret"


def headers(token: str = SECRET, timestamp: str | None = None, **more: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Gitee-Event": "Note Hook",
        "X-Gitee-Token": token,
        "X-Gitee-Timestamp": timestamp or stamp(),
        **more,
    }


def note(path: str = "oak/shop", **changes: Any) -> bytes:
    body = {
        "hook_name": "note_hooks",
        "password": "s3cret",
        "action": "comment",
        "noteable_type": "PullRequest",
        "comment": {"id": 9, "body": "/deploy", "user": {"login": "lin"}},
        "repository": {"path_with_namespace": path},
        "pull_request": {"number": 7, "head": {"sha": SHA}},
    }
    return json.dumps({**body, **changes}).encode()


@pytest.fixture
def impatient(bench: Bench) -> None:
    bench.body_seconds = 0.05


async def deliver(
    client: Client, body: bytes | AsyncIterator[bytes], sent: dict[str, str]
) -> tuple[int, dict[str, str]]:
    response = await client.post(PATH, data=body, headers=sent)
    content = await response.json()
    assert set(content) == {"status", "message"}
    return response.status, content


async def test_a_comment_is_stored_before_it_is_acknowledged(client: Client, bench: Bench) -> None:
    status, content = await deliver(client, note(), headers())

    assert (status, content["status"]) == (200, "accepted")
    (kept,) = bench.inbox.kept
    assert (kept.repo, kept.number, kept.trigger) == (RepoPath("oak", "shop"), 7, Trigger.COMMENT)
    assert kept.received_at == NOW
    assert bench.metric("chatops_deliveries_total", outcome="accepted") == 1


async def test_a_signature_with_an_older_secret_is_accepted_during_rotation(
    client: Client, bench: Bench
) -> None:
    status, _ = await deliver(client, note(), headers(signature("old secret", stamp())))

    assert status == 200
    assert bench.inbox.kept


async def test_a_repeated_event_is_a_duplicate(client: Client, bench: Bench) -> None:
    await deliver(client, note(), headers())

    status, content = await deliver(client, note(), headers(timestamp=stamp(timedelta(seconds=4))))

    assert (status, content["status"]) == (200, "duplicate")
    assert len(bench.inbox.kept) == 1


async def test_a_ping_gets_a_pong(client: Client, bench: Bench) -> None:
    status, content = await deliver(client, b"{}", headers(**{"X-Gitee-Ping": "true"}))

    assert (status, content) == (200, {"status": "ok", "message": "pong"})
    assert not bench.inbox.kept


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (note(action="edited"), "edited and deleted comments are not processed"),
        (note(noteable_type="Issue"), "comments outside pull requests are not processed"),
        (note("elsewhere/shop"), "elsewhere/shop is not served by this bot"),
    ],
)
async def test_other_events_are_accepted_and_ignored(
    client: Client, bench: Bench, body: bytes, why: str
) -> None:
    status, content = await deliver(client, body, headers())

    assert (status, content) == (200, {"status": "ignored", "message": why})
    assert not bench.inbox.kept


@pytest.mark.attack
@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        (headers("wrong"), 401, "does not match any configured secret"),
        (headers(""), 401, "X-Gitee-Token is missing"),
        (headers(timestamp=stamp(-timedelta(minutes=6))), 401, "too far from the current time"),
        (headers(timestamp=stamp(timedelta(minutes=6))), 401, "too far from the current time"),
        (headers(timestamp="soon"), 401, "not a number"),
        (headers(**{"Content-Type": "application/x-www-form-urlencoded"}), 415, "application/json"),
        (headers(**{"Content-Type": "text/plain"}), 415, "application/json"),
    ],
)
async def test_rejections_say_why(
    client: Client, bench: Bench, sent: dict[str, str], status: int, words: str
) -> None:
    found, content = await deliver(client, note(), sent)

    assert found == status
    assert words in content["message"]
    assert not bench.inbox.kept


@pytest.mark.attack
@pytest.mark.parametrize("body", [b"not json", b"[1]", b"\xff", b"", note(comment={})])
async def test_a_malformed_body_is_a_bad_request(client: Client, bench: Bench, body: bytes) -> None:
    status, content = await deliver(client, body, headers())

    assert (status, content["status"]) == (400, "bad_request")
    assert bench.metric("chatops_deliveries_total", outcome="malformed") == 1


@pytest.mark.attack
async def test_a_body_with_a_too_large_content_length_is_not_read(client: Client) -> None:
    status, content = await deliver(client, b"x" * 100_001, headers())

    assert (status, content["status"]) == (413, "too_large")
    assert "100000 bytes" in content["message"]


@pytest.mark.attack
async def test_the_size_limit_applies_to_chunked_bodies(client: Client, bench: Bench) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 10_000

    status, content = await deliver(client, endless(), headers())

    assert (status, content["status"]) == (413, "too_large")
    assert bench.metric("chatops_deliveries_total", outcome="too_large") == 1


async def test_a_body_of_exactly_the_limit_is_accepted(client: Client) -> None:
    body = note()

    status, _ = await deliver(client, body + b" " * (100_000 - len(body)), headers())

    assert status == 200


@pytest.mark.attack
async def test_a_compressed_body_is_refused(client: Client) -> None:
    response = await client.post(PATH, data=b" " * 1_000_000, headers=headers(), compress="gzip")

    assert response.status == 415


@pytest.mark.attack
@pytest.mark.usefixtures("impatient")
async def test_a_slow_sender_is_disconnected(client: Client, bench: Bench) -> None:
    never = asyncio.Event()

    async def dawdling() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    with suppress(ClientError):
        await client.post(PATH, data=dawdling(), headers=headers())

    assert bench.metric("chatops_deliveries_total", outcome="too_slow") == 1


async def test_a_full_inbox_requests_a_retry(client: Client, bench: Bench) -> None:
    bench.inbox.full = True

    response = await client.post(PATH, data=note(), headers=headers())

    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    assert (await response.json())["status"] == "unavailable"


async def test_the_address_explains_itself_in_a_browser(client: Client) -> None:
    response = await client.get(PATH)

    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert "by POST" in (await response.json())["message"]


async def test_an_error_of_the_inbox_is_not_a_success(
    client: Client, bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_delivery: object) -> bool:
        raise RuntimeError("disk")

    monkeypatch.setattr(bench.inbox, "accept", broken)

    status, content = await deliver(client, note(), headers())

    assert (status, content["status"]) == (500, "internal")
    assert "disk" not in content["message"]
    assert content["message"].split()[-1] in caplog.text


@pytest.mark.parametrize(
    ("failures", "slow", "status", "attempts"),
    [(1, False, 200, 2), (2, False, 503, 2), (1, True, 503, 1)],
)
async def test_a_delivery_is_stored_at_the_second_attempt_if_the_first_fails_at_once(
    client: Client,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    *,
    failures: int,
    slow: bool,
    status: int,
    attempts: int,
) -> None:
    accept, asked = bench.inbox.accept, list[Delivery]()

    async def stale_at_first(delivery: Delivery) -> bool:
        asked.append(delivery)
        if len(asked) <= failures:
            raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": "the server closed the connection"})
        return await accept(delivery)

    monkeypatch.setattr(bench.inbox, "accept", stale_at_first)
    monkeypatch.setattr(intake, "AT_ONCE", 0.0 if slow else 3600.0)

    assert (await deliver(client, note(), headers()))[0] == status
    assert (len(asked), len(bench.inbox.kept)) == (attempts, int(status == 200))


@pytest.mark.attack
async def test_secrets_are_not_logged(client: Client, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for sent in (headers(), headers("wrong s3cret"), headers(timestamp="1")):
        await deliver(client, note(), sent)
    await deliver(client, b"s3cret", headers())

    assert "delivery" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.attack
async def test_one_captured_header_is_good_for_few_bodies(client: Client, bench: Bench) -> None:
    answers = [
        (await deliver(client, note(comment={"id": number, "user": {}}), headers()))[0]
        for number in range(1, 20)
    ]

    assert answers == [200] * MOST_USES + [429] * (19 - MOST_USES)
    assert bench.metric("chatops_deliveries_total", outcome="reused") == 19 - MOST_USES


@pytest.mark.attack
async def test_an_encoded_body_is_refused_before_it_is_read(client: Client) -> None:
    status, content = await deliver(client, b"garbage", headers(**{"Content-Encoding": "gzip"}))

    assert (status, content["message"]) == (415, "compressed bodies are not accepted")


@pytest.mark.attack
async def test_large_bodies_wait_while_others_are_unfinished(client: Client, bench: Bench) -> None:
    bench.unfinished.bytes = bench.unfinished.limit

    status, content = await deliver(client, note() + b" " * 90_000, headers())
    assert (status, content["message"]) == (503, "too many unfinished webhooks")
    assert (await deliver(client, note(), headers()))[0] == 200
    assert bench.unfinished.bytes == bench.unfinished.limit
