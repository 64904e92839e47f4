"""A local DNS server whose answers tests choose."""

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
"""Answers by name and type: an address, the name of an RCODE, empty for no data, None for no answer."""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a server that answers enough time on a busy machine."""
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
        answer = self._answer(question.name.to_text(omit_final_dot=True), kind)
        if answer is None or self._transport is None:
            return
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if answer.isupper():
            reply.set_rcode(dns.rcode.from_text(answer))
        elif answer:
            reply.answer.append(dns.rrset.from_text(question.name, 30, "IN", kind, answer))
        self._transport.sendto(reply.to_wire(), addr)


@asynccontextmanager
async def nameserver(answer: Answer) -> AsyncIterator[str]:
    """Run the server within the block and yield `address:port`."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(answer), local_addr=("127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()
