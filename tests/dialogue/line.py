"""A transport between bot and Gitee on which tests hold or lose requests and answers, without timing."""

import asyncio
import re
from dataclasses import dataclass, field

import httpx

from tests.fakes.adapters import Gate


@dataclass(frozen=True)
class Call:
    """A scripted request: its method and path, and the gate at which it or its answer waits."""

    method: str
    path: str
    gate: Gate | None
    """None if the request is lost."""
    answered: bool = False
    """Whether the gate is after Gitee has handled the request."""


@dataclass
class Line:
    """The transport of a test's bots; each scripted entry applies to one request."""

    _calls: list[Call] = field(default_factory=list)

    @property
    def all_used(self) -> bool:
        """Whether all scripted entries have been used."""
        return not self._calls

    def hold_request(self, method: str, path: str) -> Gate:
        """Make the next such request wait at the returned gate before it reaches Gitee."""
        return self._hold(method, path, answered=False)

    def hold_answer(self, method: str, path: str) -> Gate:
        """Make the answer to the next such request wait at the returned gate."""
        return self._hold(method, path, answered=True)

    def lose_request(self, method: str, path: str) -> None:
        """Make the next such request time out without reaching Gitee."""
        self._calls.append(Call(method, path, None))

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a transport for one client."""
        return _Transport(self)

    def take(self, request: httpx.Request) -> Call | None:
        """Return the entry for this request, if any, and mark it as used."""
        for call in self._calls:
            if call.method == request.method and re.search(call.path, request.url.path):
                self._calls.remove(call)
                return call
        return None

    def _hold(self, method: str, path: str, *, answered: bool) -> Gate:
        gate = Gate()
        self._calls.append(Call(method, path, gate, answered))
        return gate


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, line: Line) -> None:
        self._line = line
        # Plain HTTP: without verification, no certificates are loaded.
        self._wire = httpx.AsyncHTTPTransport(verify=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = self._line.take(request)
        if call is None:
            return await self._wire.handle_async_request(request)
        if call.gate is None:
            raise httpx.ReadTimeout("no answer", request=request)
        if not call.answered:
            await call.gate.pass_through()
            return await self._wire.handle_async_request(request)
        response = await self._wire.handle_async_request(request)
        try:
            await call.gate.pass_through()
        except asyncio.CancelledError:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        await self._wire.aclose()
