"""Previews that never answer, behind the preview proxy of a real `chatops serve`."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.model.environment import Endpoint
from bot.store.records import Store
from tests.attack.raw import head
from tests.attack.serving import serving
from tests.crash.fleet import Replica
from tests.fakes.adapters import PATIENCE
from tests.fakes.stored import put_environment
from tests.web.fakes import environment

CONNECTIONS = 64
"""Connections that one address may have open."""
SOCKET = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
KEY = re.compile(rb"Sec-WebSocket-Key: (.*)\r")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
REQUESTS = {"requests": {}, "WebSockets": {**SOCKET, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    yield from serving(tmp_path_factory.mktemp("slow"), connections_per_address=CONNECTIONS)


async def answer(reader: asyncio.StreamReader) -> str:
    """Read a response."""
    headers = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = headers.partition("Content-Length: ")[2].partition("\r")[0]
    return headers + (await reader.readexactly(int(length or 0))).decode()


@dataclass
class Visitors:
    """Connections to previews that stay open."""

    port: int
    arrived: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    """Requests that have reached a slow service."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def hangs(self, preview: str, headers: dict[str, str]) -> str:
        """Send a request; return the answer if there is one before it reaches a slow service."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        host = {"Host": f"{preview}.test.example.com", "Accept": "text/plain", "Accept-Language": "en"}
        writer.write(head("GET /x HTTP/1.1", {**host, **headers}))
        arrival, response = asyncio.ensure_future(self.arrived.get()), asyncio.ensure_future(answer(reader))
        try:
            await asyncio.wait({arrival, response}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            return "" if arrival.done() else await response
        finally:
            arrival.cancel()
            response.cancel()

    async def close(self) -> None:
        """Close all connections, which ends the services' as well."""
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self.writers), return_exceptions=True)

    async def say_nothing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be a service that says nothing, but accepts WebSockets."""
        self.writers.append(writer)
        request = await reader.readuntil(b"\r\n\r\n")
        if key := KEY.search(request):
            accepted = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())  # noqa: S324 - RFC 6455 wants it
            headers = {**SOCKET, "Sec-WebSocket-Accept": accepted.decode()}
            writer.write(head("HTTP/1.1 101 Switching Protocols", headers))
        self.arrived.put_nowait(None)

    async def answer_at_once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Be a service that answers."""
        self.writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def store(data: Path, previews: dict[str, int]) -> None:
    """Store previews by their label, with the ports of their services."""
    records = await Store.visit(f"sqlite:///{data}/chatops.db")
    for label, port in previews.items():
        one = environment(label, endpoint=Endpoint("127.0.0.1", port))
        key = replace(one.key, name=label)
        expires = datetime.now(UTC) + timedelta(days=1)
        await put_environment(records, replace(one, key=key, expires_at=expires))
    await records.close()


@asynccontextmanager
async def visitors(bot: Replica) -> AsyncIterator[Visitors]:
    """Provide slow previews `slow0` to `slow2`, and the preview `quick`."""
    made = Visitors(bot.previews)
    async with (
        await asyncio.start_server(made.say_nothing, "127.0.0.1", 0) as slow,
        await asyncio.start_server(made.answer_at_once, "127.0.0.1", 0) as quick,
    ):
        ports = [server.sockets[0].getsockname()[1] for server in (slow, quick)]
        await store(bot.folder / "data", {f"slow{n}": ports[0] for n in range(3)} | {"quick": ports[1]})
        try:
            yield made
        finally:
            await made.close()


@pytest.mark.parametrize("slow", [1, 3])
@pytest.mark.parametrize("headers", REQUESTS.values(), ids=REQUESTS)
async def test_slow_previews_leave_connections_for_another(
    bot: Replica, headers: dict[str, str], slow: int
) -> None:
    async with visitors(bot) as waiting:
        for number in range(slow):
            answers = [await waiting.hangs(f"slow{number}", headers) for _ in range(CONNECTIONS)]
            assert answers.count("") >= CONNECTIONS >> slow
            assert answers[-1].startswith("HTTP/1.1 503 ")
            assert "Retry-After: 3" in answers[-1]
            assert answers[-1].endswith("This preview has too many requests in progress\n")
        assert (await waiting.hangs("quick", {})).endswith("ok")
    async with visitors(bot) as later:
        async with asyncio.timeout(PATIENCE):
            while await later.hangs("slow0", headers):
                pass  # its requests are ending
