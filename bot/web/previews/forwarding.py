"""Forwards one HTTP request to a preview's service and streams the response back."""

import logging

import aiohttp
from aiohttp import web
from yarl import URL

from bot.model.environment import Endpoint
from bot.web.previews.headers import Front, to_service, to_visitor

logger = logging.getLogger(__name__)

FIRST_FINAL = 200
WITHHELD = "X-Preview-Withheld"
"""Names the header of the visitor's request that was withheld, for the developers of a preview."""


class InvalidTargetError(ValueError):
    """The request target is not a path: `*`, or an attempt to name another authority."""


class UnreachableServiceError(Exception):
    """The service cannot be reached, or closed the connection before its response began."""


def new_session() -> aiohttp.ClientSession:
    """Return the client session for all previews. It passes bytes unchanged and stores no cookies.

    Only connecting has a timeout: uploads and event streams may last as long as they need. Idle connections
    are closed after 4 s, before the 5 s after which servers commonly close them.
    `Shares` limits their number.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4, use_dns_cache=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=10, sock_connect=5),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        max_line_size=32_768,
        max_field_size=32_768,
        trust_env=False,
    )


def target_url(endpoint: Endpoint, raw_target: str) -> URL:
    """Return the service's URL for a request target, which is not changed.

    Raises InvalidTargetError unless the target begins with `/`: others could name another authority
    (`@elsewhere`, `http://elsewhere`).
    """
    if not raw_target.startswith("/"):
        raise InvalidTargetError
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return URL(f"http://{host}:{endpoint.port}{raw_target}", encoded=True)


def raw_target(request: web.BaseRequest) -> str:
    """Return path and query exactly as the visitor sent them, also from an absolute URL."""
    if request.raw_path.startswith(("http://", "https://")):
        return request.rel_url.raw_path_qs
    return request.raw_path


async def forward(
    request: web.Request, endpoint: Endpoint, session: aiohttp.ClientSession, front: Front
) -> web.StreamResponse:
    """Forward one request and its response.

    Raises InvalidTargetError, or UnreachableServiceError if no response was begun.
    """
    headers = to_service(request.headers, peer=request.remote or "", host=request.host, front=front)
    try:
        upstream = await session.request(
            request.method,
            target_url(endpoint, raw_target(request)),
            headers=headers,
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
        )
    except (aiohttp.ClientError, TimeoutError) as error:
        raise UnreachableServiceError(type(error).__name__) from error
    async with upstream:
        if upstream.status < FIRST_FINAL:
            # The request did not ask for it. A proxy in front might tunnel what follows, past its own checks.
            upstream.close()
            raise UnreachableServiceError(f"unasked {upstream.status}")
        return await _respond(request, upstream, front)


async def _respond(
    request: web.Request, upstream: aiohttp.ClientResponse, front: Front
) -> web.StreamResponse:
    headers = to_visitor(upstream.headers)
    if upstream.status == web.HTTPUnauthorized.status_code and _unknown(request, front):
        headers[WITHHELD] = "Authorization; see drop_headers of [preview]"
    response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
    try:
        await response.prepare(request)
    except ValueError as error:
        # aiohttp refuses to write control characters in a header or in the reason.
        raise UnreachableServiceError("invalid headers") from error
    try:
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except aiohttp.ClientError as error:
        # The status is already sent: only an aborted connection can show that the rest is missing.
        logger.info("a preview aborted its response: %s", type(error).__name__)
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError as error:
        logger.debug("the visitor disconnected: %s", type(error).__name__)
    return response


def _unknown(request: web.Request, front: Front) -> bool:
    """Return whether the service may not know the visitor because it did not get the Authorization header."""
    return "Authorization" in request.headers and front.sign_on.withholds("Authorization")
