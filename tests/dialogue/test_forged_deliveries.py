"""Forged bodies with a genuine token, which are possible because Gitee does not sign the body."""

import time
from typing import Any

import aiohttp

from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO, SECRET

IDLE = "version: 1\non: {open: [], update: [], close: []}\n"


async def send(tester: OfflineTester, event: str, payload: dict[str, Any]) -> None:
    """Send a forged body with a genuine token."""
    headers = {
        "X-Gitee-Event": event,
        "X-Gitee-Token": SECRET,
        "X-Gitee-Timestamp": str(time.time_ns() // 1_000_000),
    }
    async with aiohttp.request("POST", tester.hook.url, json=payload, headers=headers) as answer:
        assert answer.status == 200


async def claim_comment(
    tester: OfflineTester, comment: int, sha: str, *, number: int = 0, **said: str
) -> None:
    """Send a delivery that claims a new comment at this commit, under the current pull request or another."""
    payload = {
        "action": "comment",
        "noteable_type": "PullRequest",
        "repository": {"path_with_namespace": REPO},
        "comment": {"id": comment, "user": {"login": "lin"}, **said},
        "pull_request": {"number": number or tester.number, "head": {"sha": sha}},
    }
    await send(tester, "Note Hook", payload)


async def test_a_comment_forged_in_advance_does_not_block_the_real_one(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    last = await tester.comment("hello")
    for ahead in range(1, 6):
        await claim_comment(tester, last + ahead, tester.head)
    await tester.idle()
    assert "Image built" in await tester.says("/build")


async def test_a_forged_comment_does_not_block_the_real_one(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    tester.gitee.faults.drop_webhooks(1)
    comment = await tester.comment("/build")
    await claim_comment(tester, comment, tester.head, body="something else")
    await tester.idle()
    tester.gitee.redeliver(-1)
    assert "Image built" in await tester.read()


async def test_a_close_forged_in_advance_does_not_block_the_real_one(tester: OfflineTester) -> None:
    await tester.opened()
    tester.gitee.faults.drop_webhooks(1)
    await tester.close()
    delivery = tester.gitee.deliveries[-1]
    tester.pull.state = "open"
    await send(tester, delivery.event, delivery.payload)
    await tester.says_nothing()
    tester.pull.state = "closed"
    tester.gitee.redeliver(-1)
    assert "Environment torn down" in await tester.read()


async def test_a_forged_approval_of_another_commit_approves_nothing(tester: OfflineTester) -> None:
    await tester.opened_by_stranger()
    seen, evil = tester.head, await tester.push(by="stranger")
    await tester.read_all()
    await tester.force_push(seen, by="stranger")
    await tester.read_all()
    stalled = tester.line.hold_request("GET", "/pulls/1$")
    last = await tester.comment("hello", by="stranger")
    await stalled.reached()
    await claim_comment(tester, last + 1, evil)
    assert await tester.comment("/ok-to-test") == last + 1
    await tester.force_push(evil, by="stranger")
    await tester.gitee.delivered()
    stalled.open()
    assert "`/ok-to-test` was not run" in await tester.read()
    assert await tester.runs() == []
    assert "not trusted yet" in await tester.says("/status")


async def test_an_approval_counts_only_for_its_pull_request(tester: OfflineTester) -> None:
    await tester.configure(IDLE)
    await tester.open()
    comment = await tester.comment("/ok-to-test")
    await tester.read()
    await tester.open("stranger", from_fork=True)
    await claim_comment(tester, comment, tester.head)
    await tester.says_nothing()
    assert "not trusted yet" in await tester.says("/status")
