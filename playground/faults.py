"""Injected faults: the next requests to a path of the API or of git get another response, or none."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` matching requests.

    Without `status`, the real response follows after the delay. `hang` never responds. `after` processes the
    request and discards the real response. `late` responds now; `act` processes the request.
    """

    method: str
    path: re.Pattern[str]
    times: int
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang: bool = False
    after: bool = False
    late: bool = False
    hits: int = 0
    held: list[Callable[[], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    """Requests on which Gitee has not yet acted, although they were answered."""

    def matches(self, method: str, path: str) -> bool:
        """Whether it applies to this request and is not used up."""
        return self.times > 0 and self.method in {"*", method} and self.path.search(path) is not None

    async def act(self) -> None:
        """Process the requests that were held."""
        held, self.held = self.held, []
        for process in held:
            await process()


class Faults:
    """The faults of one server, in the order in which they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._to_drop = 0

    def add(
        self,
        method: str,
        path: str,
        *,
        times: int = 1,
        status: int | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        delay: float = 0.0,
        hang: bool = False,
        after: bool = False,
        late: bool = False,
    ) -> Fault:
        """Inject a fault into the next requests with this method (`*` for any) and a path that matches."""
        fault = Fault(
            method.upper(),
            re.compile(path),
            times,
            status,
            body,
            dict(headers or {}),
            delay,
            hang,
            after,
            late,
        )
        self._faults.append(fault)
        return fault

    def rate_limit(self, path: str = "/api/v5/", *, times: int = 1, retry_after: int | None = None) -> Fault:
        """Respond as Gitee does above its rate limit: 403, or 429 with `Retry-After` if seconds are given."""
        if retry_after is None:
            return self.add(
                "*", path, times=times, status=403, body={"message": "403 Forbidden: API rate limit exceeded"}
            )
        wait = {"Retry-After": str(retry_after)}
        return self.add(
            "*", path, times=times, status=429, headers=wait, body={"message": "429 Too Many Requests"}
        )

    def drop_webhooks(self, times: int) -> None:
        """Drop the next deliveries of webhooks."""
        self._to_drop += times

    def take_webhook(self) -> bool:
        """Whether to drop the current delivery; if so, it is counted as dropped."""
        dropped = self._to_drop > 0
        self._to_drop -= dropped
        return dropped

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()
        self._to_drop = 0

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first fault that applies to this request, and count its use."""
        fault = next((one for one in self._faults if one.matches(method, path)), None)
        if fault is not None:
            fault.times -= 1
            fault.hits += 1
        return fault


def middleware(faults: Faults) -> Any:
    """Return an aiohttp middleware that applies the faults."""

    @web.middleware
    async def apply(request: web.Request, handler: Any) -> web.StreamResponse:
        fault = faults.take(request.method, request.path)
        if fault is None:
            return await _respond(handler, request)
        if fault.late:
            await request.read()
            fault.held.append(partial(_respond, handler, request))
        if fault.after:
            await _respond(handler, request)
        if fault.hang:
            await asyncio.Event().wait()
        await asyncio.sleep(fault.delay)
        return await _respond(handler, request) if fault.status is None else _faulty_response(fault)

    return apply


async def _respond(handler: Any, request: web.Request) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    return response


def _faulty_response(fault: Fault) -> web.Response:
    body = fault.body if fault.body is not None else {"message": f"{fault.status}"}
    if isinstance(body, str):
        return web.Response(status=fault.status or 500, text=body, headers=fault.headers)
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(
        status=fault.status or 500, text=text, content_type="application/json", headers=fault.headers
    )
