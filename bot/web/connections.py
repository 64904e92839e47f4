"""Limits on connections: how many are open, how long request headers may take, and how large they may be."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.web.throttled_log import Throttle

logger = logging.getLogger(__name__)

HEADER_BYTES = 64 << 10
"""Largest request line and headers together; aiohttp limits each single header, and their number."""
END_OF_HEADERS = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of one port."""

    connections: int = 1024
    per_address: int = 512
    """Behind a reverse proxy all connections come from the proxy's address."""
    header_seconds: float = 20.0
    """Time within which headers must arrive, from their first byte or the start of the connection."""


@dataclass(slots=True)
class Connections:
    """The open connections of one port, oldest first."""

    limits: ConnectionLimits
    new_handler: Callable[[], asyncio.Protocol]
    _open: dict["Connection", None] = field(default_factory=dict)
    _addresses: Counter[str] = field(default_factory=Counter)
    _log: Throttle = field(default_factory=lambda: Throttle(logger))

    def accept(self) -> "Connection":
        """Return the protocol of a new connection; asyncio calls this."""
        return Connection(self)

    def add(self, connection: "Connection") -> bool:
        """Count a connection. At a limit, the oldest idle one makes room; return False if there is none."""
        address = connection.address
        setting = ""
        if self._addresses[address] >= self.limits.per_address:
            setting = "connections_per_address" if not self._make_room(address) else ""
        elif len(self._open) >= self.limits.connections:
            setting = "connections" if not self._make_room() else ""
        if setting:
            text = "refused a connection from %s: the limit is [server] %s"
            self._log.warning(setting, text, address, setting)
            return False
        self._open[connection] = None
        self._addresses[address] += 1
        return True

    def remove(self, connection: "Connection") -> None:
        """Stop counting a connection."""
        if connection not in self._open:
            return
        del self._open[connection]
        self._addresses[connection.address] -= 1
        if not self._addresses[connection.address]:
            del self._addresses[connection.address]

    def report(self, connection: "Connection", problem: str) -> None:
        """Log why a connection is closed, at most once in a while."""
        self._log.warning(problem, "closed a connection from %s: %s", connection.address, problem)

    def _make_room(self, address: str | None = None) -> bool:
        idle = (one for one in self._open if address in {None, one.address} and one.idle)
        oldest = next(idle, None)
        if oldest is not None:
            self.remove(oldest)
            oldest.abort()
        return oldest is not None


class Connection(asyncio.Protocol):
    """One connection: passes everything to aiohttp, and closes it when its headers take too long."""

    def __init__(self, connections: Connections) -> None:
        self.address = ""
        self._connections = connections
        self._handler: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._requests = 0
        self._header: bytearray | None = bytearray()
        """What has arrived of the next request's headers; None from their end to the end of the request."""
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Whether no request is in progress; a slow reader may still be receiving the end of a response."""
        return not self._requests

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    @contextmanager
    def request(self, request: web.Request) -> Iterator[None]:
        """Mark a request as in progress: its headers are complete, and nothing closes the connection."""
        self._requests += 1
        self._header = None
        self._stop_clock()
        try:
            yield
        finally:
            self._requests -= 1
            if request.content.is_eof():
                self._header = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, or refuse it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what asyncio's servers create
        self._transport = transport
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._connections.add(self):
            self._close(503, "too many connections")
            return
        self._handler = self._connections.new_handler()
        self._handler.connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Pass data on, and follow where the headers end."""
        if self._handler is None:
            return
        self._handler.data_received(data)
        if self._header is None:
            return
        self._start_clock()
        searched = max(len(self._header) - len(END_OF_HEADERS), 0)
        self._header += data
        if self._header.find(END_OF_HEADERS, searched) >= 0:
            self._header = None
        elif len(self._header) > HEADER_BYTES:
            self._connections.report(self, f"more than {HEADER_BYTES} bytes of headers")
            self._close(431, "the headers are too large")

    def eof_received(self) -> bool | None:
        """Pass the end of data on."""
        return self._handler.eof_received() if self._handler else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        self._stop_clock()
        self._connections.remove(self)
        if self._handler is not None:
            self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass backpressure on."""
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """Pass the end of backpressure on."""
        if self._handler is not None:
            self._handler.resume_writing()

    def _start_clock(self) -> None:
        if self._deadline is None and not self._requests:
            seconds = self._connections.limits.header_seconds
            self._deadline = asyncio.get_running_loop().call_later(seconds, self._expired)

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expired(self) -> None:
        self._deadline = None
        if self._transport is None or self._transport.get_write_buffer_size():
            self._start_clock()
        elif self._header is not None and not self._header:
            # Browsers open connections in advance, and would show a 408 for the next page.
            self._transport.close()
        else:
            self._connections.report(self, "the headers did not arrive in time")
            self._close(408, "the headers did not arrive in time")

    def _close(self, status: int, message: str) -> None:
        """Say why in a few bytes, and close."""
        if self._transport is None or self._transport.is_closing():
            return
        reason, body = web.Response(status=status).reason, f"{message}\n".encode()
        headers = f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close"
        retry = "\r\nRetry-After: 5" if status == 503 else ""  # noqa: PLR2004 - the status
        self._transport.write(f"HTTP/1.1 {status} {reason}\r\n{headers}{retry}\r\n\r\n".encode() + body)
        self._transport.close()


@web.middleware
async def in_progress(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Mark the request's connection as in progress."""
    protocol = request.transport.get_protocol() if request.transport else None
    if not isinstance(protocol, Connection):
        return await handler(request)
    with protocol.request(request):
        response = await handler(request)
        if not request.content.is_eof():
            # aiohttp skips the rest of the body for a few seconds, and closes the connection.
            response.force_close()
        return response
