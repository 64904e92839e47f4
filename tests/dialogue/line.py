"""The line between the bot and Gitee: a test holds or loses requests and answers on it, and no clock does."""

import asyncio
import re
from dataclasses import dataclass, field

import httpx

from tests.fakes.adapters import Gate


@dataclass(frozen=True)
class Call:
    """The next request of a method whose path matches, and where it or its answer waits."""

    method: str
    path: str
    gate: Gate | None
    """None loses the request."""
    answered: bool = False
    """Whether Gitee has done what was asked when the gate is reached."""


@dataclass
class Line:
    """Where the requests of a test's bots pass; each script is for one of them."""

    _calls: list[Call] = field(default_factory=list)

    @property
    def all_used(self) -> bool:
        """Whether everything that was scripted has come to pass."""
        return not self._calls

    def hold_request(self, method: str, path: str) -> Gate:
        """Let the next such request wait at the returned gate before Gitee hears of it."""
        return self._hold(method, path, answered=False)

    def hold_answer(self, method: str, path: str) -> Gate:
        """Let the answer to the next such request wait at the returned gate."""
        return self._hold(method, path, answered=True)

    def lose_request(self, method: str, path: str) -> None:
        """Let the bot give up waiting for an answer to the next such request, of which Gitee never hears."""
        self._calls.append(Call(method, path, None))

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return what one client sends with."""
        return _Transport(self)

    def take(self, request: httpx.Request) -> Call | None:
        """Return what was scripted for this request, which counts as used."""
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
        # Plain HTTP: not to verify spares loading certificates.
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
