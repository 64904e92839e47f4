"""Errors, rate limits and outages of Gitee lose no delivery and no comment."""

import logging
from datetime import timedelta

import pytest

from playground import comments, refusals
from tests.dialogue.offline import OfflineTester

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"
API = "/api/v5/"
COMMENTS = "/pulls/1/comments$"
FOR_EVER = 100_000
TWENTY_MINUTES = timedelta(minutes=20)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 401, "body": {"message": "401 Unauthorized: Access token is expired"}},
        {"status": 403, "body": {"message": "403 Forbidden: API rate limit exceeded"}},
        {"status": 404, "body": {"message": "404 Project Not Found"}},
        {"status": 429, "headers": {"Retry-After": "40"}},
        {"status": 500},
        {"status": 502, "body": "<html>Bad Gateway</html>"},
        {"status": 200, "body": "<html>Under maintenance</html>"},
    ],
    ids=lambda fault: f"{fault['status']}{' html' if '<' in str(fault) else ''}",
)
async def test_requests_that_fail_for_a_while_are_retried(
    tester: OfflineTester, fault: dict[str, object]
) -> None:
    trouble = tester.gitee.faults.add("*", API, times=6, **fault)  # type: ignore[arg-type] # a row of the table
    assert "2 tests passed" in await tester.opened()
    assert trouble.times == 0
    assert len(await tester.runs()) == 1
    assert len(tester.comments()) == 1


async def test_a_requested_delay_of_gitee_is_respected(tester: OfflineTester) -> None:
    tester.gitee.faults.rate_limit(retry_after=300)
    assert "2 tests passed" in await tester.opened()
    assert tester.clock.ahead.total_seconds() >= 300
    tester.gitee.faults.add("PATCH", "/pulls/comments/", status=429, headers={"Retry-After": "77"})
    await tester.says("/build")
    assert 77 in tester.clock.waits


async def test_a_request_without_an_answer_is_repeated(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await tester.configure(IDLE)
    await tester.open()
    await tester.says_nothing()
    tester.line.lose_request("GET", "/pulls/1$")
    tester.line.lose_request("POST", COMMENTS)
    assert "Image built" in await tester.says("/build")
    assert len(await tester.runs()) == 1
    assert tester.line.all_used
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("status", [500, 429])
async def test_a_comment_whose_response_was_lost_is_not_posted_again(
    tester: OfflineTester, status: int
) -> None:
    await tester.configure(IDLE)
    await tester.open()
    tester.gitee.faults.add("POST", COMMENTS, status=status, after=True)
    assert "/deploy [env]" in await tester.says("/help")
    tester.gitee.faults.add("POST", COMMENTS, status=status, after=True)
    assert "Image built" in await tester.says("/build")
    assert len(tester.comments()) == 2


async def test_a_comment_whose_posting_was_interrupted_by_a_restart_is_found(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    posted = tester.line.hold_answer("POST", COMMENTS)
    await tester.comment("/build")
    await posted.reached()
    await tester.restart()
    assert "Image built" in await tester.read()
    assert len(tester.comments()) == 1


@pytest.mark.parametrize("status", [401, 404, 503])
async def test_runs_continue_while_gitee_accepts_no_comments(tester: OfflineTester, status: int) -> None:
    tester.gitee.faults.add("POST", COMMENTS, times=5, status=status)
    tester.gitee.faults.add("PATCH", "/pulls/comments/", times=1, status=401)
    assert "2 tests passed" in await tester.opened()
    assert len(tester.comments()) == 1


async def test_a_comment_that_the_filter_refuses_is_replaced_by_a_plain_one(
    tester: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = comments._checked

    def filtered(body: str) -> str:
        if "|---|" in body:
            raise refusals.bad_request("包含敏感词")
        return accept(body)

    monkeypatch.setattr(comments, "_checked", filtered)
    said = await tester.opened()
    assert "✅ **Preview ready, 2 tests passed**" in said
    assert "Gitee did not accept the full text of this comment." in said
    assert "https://bot.example.com/runs/1" in said
    assert "Gitee did not accept the text of this reply." in await tester.says("/help")
    assert len(tester.comments()) == 2


async def test_a_deleted_comment_is_not_posted_again(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("test")
    await tester.open()
    await gate.reached()
    await tester.shows(1, "Testing")
    await tester.gitee.delete_comment("team/shop", tester.comments()[0].id, by="lin")
    gate.open()
    await tester.says_nothing()
    assert len(tester.world.deployed) == 1


async def test_a_long_outage_loses_neither_a_command_nor_the_final_comment(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    tester.gitee.faults.add("*", API, times=FOR_EVER, status=503)
    tester.clock.after(TWENTY_MINUTES, tester.gitee.faults.clear)
    assert "Image built" in await tester.says("/build")
    assert tester.clock.ahead >= TWENTY_MINUTES
    tester.gitee.faults.add("PATCH", "/pulls/comments/", times=FOR_EVER, status=503)
    tester.clock.after(TWENTY_MINUTES, tester.gitee.faults.clear)
    assert "2 tests passed" in await tester.says("/test")
    assert tester.clock.ahead >= 2 * TWENTY_MINUTES
    assert len(await tester.runs()) == 2
