"""Delivers webhooks over HTTP: in order for each hook, once, with a timeout of five seconds.

Requests and responses are kept.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from playground.events import Event, NoteEvent, PullEvent
from playground.faults import Faults
from playground.payloads import Payloads, event_name, signature
from playground.state import Hook, World, now

TIMEOUT = 5.0
"""Seconds that Gitee waits for a response; it does not retry."""
_KEPT = 500


@dataclass(slots=True, eq=False)
class Delivery:
    """A request to a hook's URL and its response. `error` says why there is no response."""

    id: int
    hook: Hook
    event: str
    action: str
    desc: str | None
    url: str
    headers: dict[str, str]
    body: bytes
    at: datetime
    status: int | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    response: str = ""
    error: str = ""
    seconds: float = 0.0
    dropped: bool = False
    done: bool = False

    @property
    def payload(self) -> dict[str, Any]:
        """The parsed body."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


def wants(hook: Hook, event: Event) -> bool:
    """Whether the hook is enabled for this kind of event."""
    if isinstance(event, PullEvent):
        return hook.merge_requests_events
    if isinstance(event, NoteEvent):
        return hook.note_events
    return hook.push_events if event.ref.startswith("refs/heads/") else hook.tag_push_events


def headers(hook: Hook, event: str, timestamp: str, *, ping: bool = False) -> dict[str, str]:
    """Return the headers of a delivery."""
    token = signature(hook.secret, timestamp) if hook.mode == "sign" else hook.secret
    return {
        "Content-Type": "application/json",
        "User-Agent": "git-oschina-hook",
        "X-Gitee-Event": event,
        "X-Git-Oschina-Event": event,
        "X-Gitee-Token": token,
        "X-Gitee-Timestamp": timestamp,
        "X-Gitee-Ping": "true" if ping else "false",
    }


class Webhooks:
    """The deliveries of one Gitee with this `url`. The history contains those that a fault dropped, too."""

    def __init__(self, world: World, notify: Callable[[], None], faults: Faults) -> None:
        self.history: list[Delivery] = []
        self._world = world
        self.url = ""
        self._notify = notify
        self._faults = faults
        self._queues: dict[int, asyncio.Queue[Delivery]] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    def _payloads(self) -> Payloads:
        return Payloads(self._world, self.url)

    def announce(self, event: Event) -> None:
        """Queue a delivery for each hook that is enabled for this event. The body shows the current state."""
        for hook in event.repository.hooks:
            if wants(hook, event):
                timestamp = str(time.time_ns() // 1_000_000)
                body = self._payloads().body(event, hook, timestamp)
                self._queue(hook, event_name(event), timestamp, body)

    def ping(self, hook: Hook) -> Delivery:
        """Send the test delivery, which is a push to another repository, as on Gitee."""
        timestamp = str(time.time_ns() // 1_000_000)
        body = self._payloads().ping(hook, timestamp)
        return self._queue(hook, "Push Hook", timestamp, body, ping=True)

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Send the same bytes and headers again."""
        copy = Delivery(
            id=self._world.ids.next("delivery"),
            hook=delivery.hook,
            event=delivery.event,
            action=delivery.action,
            desc=delivery.desc,
            url=delivery.hook.url,
            headers=dict(delivery.headers),
            body=delivery.body,
            at=now(),
        )
        return self._send_later(copy)

    def _queue(
        self, hook: Hook, event: str, timestamp: str, body: dict[str, Any], *, ping: bool = False
    ) -> Delivery:
        delivery = Delivery(
            id=self._world.ids.next("delivery"),
            hook=hook,
            event=event,
            action=str(body.get("action", "ping" if ping else "push")),
            desc=body.get("action_desc"),
            url=hook.url,
            headers=headers(hook, event, timestamp, ping=ping),
            body=json.dumps(body, ensure_ascii=False).encode(),
            at=now(),
        )
        return self._send_later(delivery)

    def _send_later(self, delivery: Delivery) -> Delivery:
        self.history.append(delivery)
        del self.history[:-_KEPT]
        if self._faults.take_webhook():
            delivery.dropped = delivery.done = True
            delivery.error = "dropped"
            self._notify()
            return delivery
        queue = self._queues.get(delivery.hook.id)
        if queue is None:
            queue = self._queues[delivery.hook.id] = asyncio.Queue()
            self._workers.append(asyncio.create_task(self._work(queue)))
        queue.put_nowait(delivery)
        return delivery

    async def _work(self, queue: asyncio.Queue[Delivery]) -> None:
        while True:
            delivery = await queue.get()
            await self._send(delivery)
            queue.task_done()

    async def _send(self, delivery: Delivery) -> None:
        started = time.monotonic()
        try:
            await self._post(delivery)
        except TimeoutError:
            delivery.error = f"no response within {TIMEOUT:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            delivery.error = f"{type(error).__name__}: {error}"
        delivery.seconds = time.monotonic() - started
        delivery.done = True
        delivery.hook.result_code = delivery.status
        delivery.hook.result = delivery.response or delivery.error
        self._notify()

    async def _post(self, delivery: Delivery) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        request = self._session.post(
            delivery.url, data=delivery.body, headers=delivery.headers, allow_redirects=False
        )
        async with request as response:
            delivery.response_headers = dict(response.headers)
            delivery.response = (await response.content.read(65_536)).decode(errors="replace")
            delivery.status = response.status

    async def delivered(self) -> None:
        """Return when no delivery is pending."""
        for queue in list(self._queues.values()):
            await queue.join()

    async def stop(self) -> None:
        """Stop delivering."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._queues.clear()
        self._workers.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None
