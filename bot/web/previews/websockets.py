"""Relays a WebSocket between a visitor and a preview's service, message by message."""

import asyncio

import aiohttp
from aiohttp import web

from bot.model.environment import Endpoint
from bot.web.previews.forwarding import UnreachableServiceError, raw_target, target_url
from bot.web.previews.headers import HANDSHAKE, Front, to_service

LARGEST_MESSAGE = 16 << 20
CLOSE_GRACE = 5.0
DISCONNECTED = (aiohttp.WSCloseCode.GOING_AWAY, b"")

Side = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


def wants_websocket(request: web.BaseRequest) -> bool:
    """Whether the request asks for an upgrade to WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket" and request.method == "GET"


async def relay(
    request: web.Request, endpoint: Endpoint, session: aiohttp.ClientSession, front: Front
) -> web.StreamResponse:
    """Relay messages until one side closes.

    Raises UnreachableServiceError if the service cannot be reached or rejects the handshake.
    """
    try:
        service = await _connect(request, endpoint, session, front)
    except aiohttp.WSServerHandshakeError as error:
        if 400 <= error.status < 500:  # noqa: PLR2004 - the service refuses the request itself
            return web.Response(status=error.status, text=f"{error.status}\n")
        raise UnreachableServiceError("handshake") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise UnreachableServiceError(type(error).__name__) from error
    async with service:
        return await _join(request, service)


async def _connect(
    request: web.Request, endpoint: Endpoint, session: aiohttp.ClientSession, front: Front
) -> aiohttp.ClientWebSocketResponse:
    requested = request.headers.get("Sec-WebSocket-Protocol", "")
    return await session.ws_connect(
        target_url(endpoint, raw_target(request)),
        protocols=[one.strip() for one in requested.split(",") if one.strip()],
        headers=to_service(
            request.headers, peer=request.remote or "", host=request.host, front=front, dropped=HANDSHAKE
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
    directions = (
        asyncio.ensure_future(_copy(visitor, service)),
        asyncio.ensure_future(_copy(service, visitor)),
    )
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        ended = await asyncio.gather(*directions, return_exceptions=True)
    code, reason = next((one for one in ended if isinstance(one, tuple)), DISCONNECTED)
    await visitor.close(code=code, message=reason)
    await service.close(code=code, message=reason)
    return visitor


async def _copy(source: Side, sink: Side) -> tuple[int, bytes]:
    """Copy messages until the source closes; return its close code and reason."""
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
            return DISCONNECTED


def _sendable(code: int, reason: str | None) -> tuple[int, bytes]:
    """Return the content of a close frame. Codes that must not be sent become 1000 (RFC 6455, 7.4)."""
    reserved = code not in range(1000, 1015) and code not in range(3000, 5000)
    if reserved or code in {1004, 1005, 1006}:
        return aiohttp.WSCloseCode.OK, b""
    return code, (reason or "").encode()
