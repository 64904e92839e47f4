"""WebSockets through the preview proxy."""

import asyncio

import aiohttp
import pytest

from bot.web.previews.websockets import _sendable
from tests.fakes.adapters import PATIENCE
from tests.web.preview_proxy import HOST, Proxy, proxy, service, sign_on, stack
from tests.web.service import Service

__all__ = ["proxy", "service", "sign_on", "stack"]


async def test_a_websocket_transfers_messages_in_both_directions(proxy: Proxy, service: Service) -> None:
    async with proxy.session.ws_connect(
        proxy.url("/talk?room=1"), headers={"Host": HOST, "Origin": f"http://{HOST}"}, protocols=["chat", "x"]
    ) as joined:
        assert joined.protocol == "chat"
        await joined.send_str("你好")
        assert await joined.receive_str() == "你好!"
        await joined.send_bytes(bytes(range(256)) * 4096)
        assert await joined.receive_bytes() == (bytes(range(256)) * 4096)[::-1]

    await asyncio.wait_for(service.gone.wait(), PATIENCE)
    assert service.bodies == [b"1000"]
    (seen,) = service.seen
    assert seen.raw_path == "/talk?room=1"
    assert seen.headers["Host"] == HOST
    assert seen.headers["Origin"] == f"http://{HOST}"


async def test_the_close_code_of_a_websocket_arrives(proxy: Proxy) -> None:
    async with proxy.session.ws_connect(proxy.url("/talk"), headers={"Host": HOST}) as joined:
        await joined.send_str("leave")
        message = await joined.receive()

    assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 4001, "as you wish")


async def test_a_visitor_that_disconnects_ends_the_websocket(proxy: Proxy, service: Service) -> None:
    joined = await proxy.session.ws_connect(proxy.url("/talk"), headers={"Host": HOST})
    joined._response.close()

    await asyncio.wait_for(service.gone.wait(), PATIENCE)


@pytest.mark.parametrize(("status", "seen"), [(403, 403), (404, 404), (500, 502), (200, 502)])
async def test_a_rejected_websocket_is_rejected_to_the_visitor(proxy: Proxy, status: int, seen: int) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await proxy.session.ws_connect(proxy.url(f"/no-sockets?status={status}"), headers={"Host": HOST})

    assert refused.value.status == seen


async def test_pings_and_pongs_pass_in_both_directions(proxy: Proxy, service: Service) -> None:
    async with proxy.session.ws_connect(proxy.url("/talk"), headers={"Host": HOST}, autoping=False) as joined:
        await joined.ping(b"alive?")
        assert (await joined.receive()).data == b"alive?"
        asked = await joined.receive()
        assert (asked.type, asked.data) == (aiohttp.WSMsgType.PING, b"and you?")
        await joined.pong(b"yes")

    await asyncio.wait_for(service.gone.wait(), PATIENCE)
    assert service.bodies[0] == b"yes"


@pytest.mark.parametrize(
    ("code", "words", "sent"),
    [
        (1000, "bye", (1000, b"bye")),
        (4001, None, (4001, b"")),
        (0, "", (1000, b"")),
        (1005, "", (1000, b"")),
        (1006, "", (1000, b"")),
        (2999, "", (1000, b"")),
        (5000, "", (1000, b"")),
    ],
)
def test_only_valid_close_codes_are_passed_on(code: int, words: str | None, sent: tuple[int, bytes]) -> None:
    assert _sendable(code, words) == sent
