"""Sends signed comments to a webhook, several concurrently, and prints statistics of the answers as JSON."""

import asyncio
import json
import sys
import time
from collections import Counter

import aiohttp

from benchmarks.receivers import SECRET
from playground.payloads import signature


def body(number: int) -> bytes:
    """Return the body of a comment's webhook as Gitee sends it; each number gives a different comment."""
    # Several repositories, because one of them may fill only a part of the inbox.
    path = f"team/shop-{number % 4}"
    repository = {"path_with_namespace": path, "full_name": path}
    author = {"login": "lin", "username": "lin"}
    return json.dumps(
        {
            "hook_name": "note_hooks",
            "action": "comment",
            "noteable_type": "PullRequest",
            "noteable_iid": number % 100 + 1,
            "comment": {"id": number, "body": "thanks", "user": author},
            "pull_request": {"number": number % 100 + 1, "head": {"sha": "ab" * 20}},
            "repository": repository,
            "project": repository,
            "author": author,
            "sender": author,
        }
    ).encode()


async def send(url: str, count: int, at_once: int, first: int) -> dict[str, object]:
    """Send `count` deliveries, `at_once` of them concurrently.

    Returns the number of answers by status, where -1 counts the 503s that lack Retry-After, the total
    seconds, and the median and 99th percentile of the milliseconds until a 200.
    """
    numbers = iter(range(first, first + count))
    statuses: Counter[int] = Counter()
    waits: list[float] = []
    start = time.time_ns() // 1_000_000

    async def one_after_another(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            # A timestamp of its own each, because few deliveries may share one.
            stamp = str(start + number)
            headers = {
                "Content-Type": "application/json",
                "X-Gitee-Event": "Note Hook",
                "X-Gitee-Token": signature(SECRET, stamp),
                "X-Gitee-Timestamp": stamp,
            }
            began = time.perf_counter()
            async with session.post(url, data=body(number), headers=headers) as answer:
                await answer.read()
                has_retry_after = "Retry-After" in answer.headers
            if answer.status == 503 and not has_retry_after:  # noqa: PLR2004 - the status
                statuses[-1] += 1
            statuses[answer.status] += 1
            if answer.status == 200:  # noqa: PLR2004 - the status
                waits.append(1000 * (time.perf_counter() - began))

    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=at_once), timeout=timeout
    ) as session:
        began = time.perf_counter()
        await asyncio.gather(*(one_after_another(session) for _ in range(at_once)))
        seconds = time.perf_counter() - began
    waits.sort()
    return {
        "statuses": dict(statuses),
        "seconds": seconds,
        "p50": waits[len(waits) // 2] if waits else 0.0,
        "p99": waits[int(len(waits) * 0.99)] if waits else 0.0,
    }


if __name__ == "__main__":
    url, *numbers = sys.argv[1:]
    print(json.dumps(asyncio.run(send(url, *map(int, numbers)))))
