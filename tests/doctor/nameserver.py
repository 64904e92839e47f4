"""A DNS server on this machine whose answers a test chooses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from bot.doctor import lookup
from tests.fakes.adapters import PATIENCE

Answer = Callable[[str, str], str | None]
"""From name and type to an address, an RCODE's name, or nothing for no data; None stays silent."""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a server that does answer have all the time that a busy machine takes."""
    monkeypatch.setattr(lookup, "TRY", PATIENCE)
    monkeypatch.setattr(lookup, "SECONDS", PATIENCE)


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # asyncio gives this kind
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        said = self._answer(question.name.to_text(omit_final_dot=True), kind)
        if said is None or self._transport is None:
            return
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if said.isupper():
            reply.set_rcode(dns.rcode.from_text(said))
        elif said:
            reply.answer.append(dns.rrset.from_text(question.name, 30, "IN", kind, said))
        self._transport.sendto(reply.to_wire(), addr)


@asynccontextmanager
async def nameserver(answer: Answer) -> AsyncIterator[str]:
    """Serve while the block lasts; give `address:port`."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(answer), local_addr=("127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()
