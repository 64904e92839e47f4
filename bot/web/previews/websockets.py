"""Carries a WebSocket between a visitor and a preview's service, message by message, both ways."""

import asyncio

import aiohttp
from aiohttp import web

from bot.model.environment import Endpoint
from bot.web.previews.forwarding import NotAnsweringError, raw_target, target_url
from bot.web.previews.headers import HANDSHAKE, to_service

LARGEST_MESSAGE = 16 << 20
CLOSE_GRACE = 5.0
VANISHED = (aiohttp.WSCloseCode.GOING_AWAY, b"")

Side = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


def wants_websocket(request: web.BaseRequest) -> bool:
    """Whether the visitor asks to leave HTTP for a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket" and request.method == "GET"


async def relay(
    request: web.Request, endpoint: Endpoint, session: aiohttp.ClientSession, scheme: str
) -> web.StreamResponse:
    """Join both sides until one closes. Raises NotAnsweringError if the service takes no handshake."""
    try:
        service = await _connect(request, endpoint, session, scheme)
    except aiohttp.WSServerHandshakeError as error:
        if 400 <= error.status < 500:  # noqa: PLR2004 - the service's own refusal
            return web.Response(status=error.status, text=f"{error.status}\n")
        raise NotAnsweringError("handshake") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NotAnsweringError(type(error).__name__) from error
    async with service:
        return await _join(request, service)


async def _connect(
    request: web.Request, endpoint: Endpoint, session: aiohttp.ClientSession, scheme: str
) -> aiohttp.ClientWebSocketResponse:
    asked = request.headers.get("Sec-WebSocket-Protocol", "")
    return await session.ws_connect(
        target_url(endpoint, raw_target(request)),
        protocols=[one.strip() for one in asked.split(",") if one.strip()],
        headers=to_service(
            request.headers, peer=request.remote or "", host=request.host, scheme=scheme, dropped=HANDSHAKE
        ),
        autoclose=False,
        autoping=False,
        max_msg_size=LARGEST_MESSAGE,
    )


async def _join(request: web.Request, service: aiohttp.ClientWebSocketResponse) -> web.WebSocketResponse:
    visitor = web.WebSocketResponse(
        protocols=[service.protocol] if service.protocol else (),
        autoclose=False,
        autoping=False,
        max_msg_size=LARGEST_MESSAGE,
        timeout=CLOSE_GRACE,
    )
    await visitor.prepare(request)
    ways = (
        asyncio.ensure_future(_pass_on(visitor, service)),
        asyncio.ensure_future(_pass_on(service, visitor)),
    )
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        ended = await asyncio.gather(*ways, return_exceptions=True)
    code, words = next((one for one in ended if isinstance(one, tuple)), VANISHED)
    await visitor.close(code=code, message=words)
    await service.close(code=code, message=words)
    return visitor


async def _pass_on(source: Side, sink: Side) -> tuple[int, bytes]:
    """Copy messages until the source closes; return with what code and words it did."""
    while True:
        message = await source.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type is aiohttp.WSMsgType.PING:
            await sink.ping(message.data)
        elif message.type is aiohttp.WSMsgType.PONG:
            await sink.pong(message.data)
        elif message.type is aiohttp.WSMsgType.CLOSE:
            return _sendable(message.data, message.extra)
        else:
            return VANISHED


def _sendable(code: int, words: str | None) -> tuple[int, bytes]:
    """Return a close frame's content; a frame without a code counts as an ordinary end (RFC 6455, 7.4)."""
    reserved = code not in range(1000, 1015) and code not in range(3000, 5000)
    if reserved or code in {1004, 1005, 1006}:
        return aiohttp.WSCloseCode.OK, b""
    return code, (words or "").encode()
