"""The webhook's door over real HTTP: every answer it can give."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientError

from bot.gitee.signature import signature
from bot.model.delivery import Trigger
from bot.model.forge import RepoPath
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
    answer = await client.post(PATH, data=body, headers=sent)
    told = await answer.json()
    assert set(told) == {"status", "message"}
    return answer.status, told


async def test_a_comment_is_kept_before_it_is_acknowledged(client: Client, bench: Bench) -> None:
    status, told = await deliver(client, note(), headers())

    assert (status, told["status"]) == (200, "accepted")
    (kept,) = bench.inbox.kept
    assert (kept.repo, kept.number, kept.trigger) == (RepoPath("oak", "shop"), 7, Trigger.COMMENT)
    assert kept.received_at == NOW
    assert bench.metric("chatops_deliveries_total", outcome="accepted") == 1


async def test_a_signature_by_an_older_secret_is_taken_while_secrets_rotate(
    client: Client, bench: Bench
) -> None:
    status, _ = await deliver(client, note(), headers(signature("old secret", stamp())))

    assert status == 200
    assert bench.inbox.kept


async def test_the_same_event_twice_is_one(client: Client, bench: Bench) -> None:
    await deliver(client, note(), headers())

    status, told = await deliver(client, note(), headers(timestamp=stamp(timedelta(seconds=4))))

    assert (status, told["status"]) == (200, "duplicate")
    assert len(bench.inbox.kept) == 1


async def test_a_ping_is_answered_pong(client: Client, bench: Bench) -> None:
    status, told = await deliver(client, b"{}", headers(**{"X-Gitee-Ping": "true"}))

    assert (status, told) == (200, {"status": "ok", "message": "pong"})
    assert not bench.inbox.kept


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (note(action="edited"), "edited and deleted comments are not processed"),
        (note(noteable_type="Issue"), "comments outside pull requests are not processed"),
        (note("elsewhere/shop"), "elsewhere/shop is not served by this bot"),
    ],
)
async def test_what_is_not_ours_is_taken_and_ignored(
    client: Client, bench: Bench, body: bytes, why: str
) -> None:
    status, told = await deliver(client, body, headers())

    assert (status, told) == (200, {"status": "ignored", "message": why})
    assert not bench.inbox.kept


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
async def test_refusals_say_why(
    client: Client, bench: Bench, sent: dict[str, str], status: int, words: str
) -> None:
    found, told = await deliver(client, note(), sent)

    assert found == status
    assert words in told["message"]
    assert not bench.inbox.kept


@pytest.mark.parametrize("body", [b"not json", b"[1]", b"\xff", b"", note(comment={})])
async def test_a_malformed_body_is_a_bad_request(client: Client, bench: Bench, body: bytes) -> None:
    status, told = await deliver(client, body, headers())

    assert (status, told["status"]) == (400, "bad_request")
    assert bench.metric("chatops_deliveries_total", outcome="malformed") == 1


async def test_a_body_said_to_be_too_large_is_not_read(client: Client) -> None:
    status, told = await deliver(client, b"x" * 100_001, headers())

    assert (status, told["status"]) == (413, "too_large")
    assert "100000 bytes" in told["message"]


async def test_a_chunked_body_cannot_hide_its_size(client: Client, bench: Bench) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 10_000

    status, told = await deliver(client, endless(), headers())

    assert (status, told["status"]) == (413, "too_large")
    assert bench.metric("chatops_deliveries_total", outcome="too_large") == 1


async def test_a_body_of_exactly_the_limit_is_taken(client: Client) -> None:
    body = note()

    status, _ = await deliver(client, body + b" " * (100_000 - len(body)), headers())

    assert status == 200


async def test_a_packed_body_is_measured_unpacked(client: Client) -> None:
    answer = await client.post(PATH, data=b" " * 1_000_000, headers=headers(), compress="gzip")

    assert answer.status == 413


@pytest.mark.usefixtures("impatient")
async def test_a_sender_that_dawdles_is_hung_up_on(client: Client, bench: Bench) -> None:
    never = asyncio.Event()

    async def dawdling() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    with suppress(ClientError):
        await client.post(PATH, data=dawdling(), headers=headers())

    assert bench.metric("chatops_deliveries_total", outcome="too_slow") == 1


async def test_a_full_inbox_asks_to_come_back(client: Client, bench: Bench) -> None:
    bench.inbox.full = True

    answer = await client.post(PATH, data=note(), headers=headers())

    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert (await answer.json())["status"] == "unavailable"


async def test_a_browser_is_told_what_the_address_is_for(client: Client) -> None:
    answer = await client.get(PATH)

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert "by POST" in (await answer.json())["message"]


async def test_an_inbox_that_breaks_is_no_success(
    client: Client, bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_delivery: object) -> bool:
        raise RuntimeError("disk")

    monkeypatch.setattr(bench.inbox, "accept", broken)

    status, told = await deliver(client, note(), headers())

    assert (status, told["status"]) == (500, "internal")
    assert "disk" not in told["message"]
    assert told["message"].split()[-1] in caplog.text


async def test_no_secret_reaches_the_log(
    client: Client, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for sent in (headers(), headers("wrong s3cret"), headers(timestamp="1")):
        await deliver(client, note(), sent)
    await deliver(client, b"s3cret", headers())

    assert "delivery" in caplog.text
    assert "s3cret" not in caplog.text
