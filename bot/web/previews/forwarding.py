"""Carries one HTTP request to a preview's service and its answer back, streaming both ways."""

import logging

import aiohttp
from aiohttp import web
from yarl import URL

from bot.model.environment import Endpoint
from bot.web.previews.headers import to_service, to_visitor

logger = logging.getLogger(__name__)


class NotAPathError(ValueError):
    """The request's target is something else than a path: `*`, or an attempt to name another authority."""


class NotAnsweringError(Exception):
    """The service could not be reached, or broke off before its answer began."""


def new_session(*, connections: int, connections_each: int) -> aiohttp.ClientSession:
    """Open the session for all previews: bytes pass as they are, and no visitor's cookies are kept.

    Nothing limits how long an exchange takes, since uploads and event streams may last; only
    getting a connection does. Idle connections go before the common 5 s of servers are over.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections, limit_per_host=connections_each, keepalive_timeout=4, use_dns_cache=False
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, connect=10, sock_connect=5),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        max_line_size=32_768,
        max_field_size=32_768,
        trust_env=False,
    )


def target_url(endpoint: Endpoint, raw_target: str, scheme: str = "http") -> URL:
    """Return the service's address for a request target, untouched; NotAPathError unless it is a plain path.

    A target that does not begin with `/` could name another authority (`@elsewhere`, `http://elsewhere`).
    """
    if not raw_target.startswith("/"):
        raise NotAPathError
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return URL(f"{scheme}://{host}:{endpoint.port}{raw_target}", encoded=True)


def raw_target(request: web.BaseRequest) -> str:
    """Return path and query as the visitor's bytes had them, also when a whole URL was sent."""
    if request.raw_path.startswith(("http://", "https://")):
        return request.rel_url.raw_path_qs
    return request.raw_path


async def forward(
    request: web.Request, endpoint: Endpoint, session: aiohttp.ClientSession, scheme: str
) -> web.StreamResponse:
    """Exchange one request and answer. Raises NotAPathError, or NotAnsweringError while nothing was sent."""
    headers = to_service(request.headers, peer=request.remote or "", host=request.host, scheme=scheme)
    try:
        upstream = await session.request(
            request.method,
            target_url(endpoint, raw_target(request)),
            headers=headers,
            data=request.content if request.can_read_body else None,
            allow_redirects=False,
        )
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NotAnsweringError(type(error).__name__) from error
    async with upstream:
        return await _answer(request, upstream)


async def _answer(request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    answer = web.StreamResponse(
        status=upstream.status, reason=upstream.reason, headers=to_visitor(upstream.headers)
    )
    try:
        await answer.prepare(request)
    except ValueError as error:
        # Control characters in a header or in the reason: our server refuses to write them.
        raise NotAnsweringError("unusable headers") from error
    try:
        async for chunk in upstream.content.iter_any():
            await answer.write(chunk)
        await answer.write_eof()
    except aiohttp.ClientError as error:
        # The status has gone out: only a broken connection can still say that the rest is missing.
        logger.info("preview broke off: %s", type(error).__name__)
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError as error:
        logger.debug("visitor left: %s", type(error).__name__)
    return answer
