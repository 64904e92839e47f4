"""Receives webhooks: judges the headers, reads the body, and commits the delivery before it answers 200.

No byte of a body is read before its headers are accepted, and none is decompressed: Gitee compresses nothing.
Bodies and tokens are never logged: in password mode both contain the secret.
"""

import asyncio
import logging
from datetime import datetime

from aiohttp import web

from bot.gitee.signature import MOST_USES, Use, Verdict, verify
from bot.gitee.wire import Ignored, MalformedDeliveryError, read
from bot.model.delivery import Delivery
from bot.model.errors import RetryLater
from bot.ports import Clock
from bot.store.arrivals import InboxFullError
from bot.web.deps import DEPS, METRICS, IntakeDeps
from bot.web.responses import RETRY_AFTER, json_message, store_unavailable

logger = logging.getLogger(__name__)

Answer = tuple[web.Response, str]
"""A response, and the outcome that metrics count."""

PATH = "/webhooks/gitee"
SMALL_BODY = 64 << 10
"""Bytes that every body may have, also while the unfinished ones exceed their limit: Gitee's have less."""
AT_ONCE = 1.0
"""Seconds. An attempt to store a delivery that fails sooner is repeated; Gitee waits 5 s for an answer."""

UNAUTHORIZED = {
    Verdict.NO_SECRET: "[gitee] webhook_secret is not set, so no webhook can be accepted",
    Verdict.NO_TOKEN: "X-Gitee-Token is missing: set a password or a signing key on the webhook",
    Verdict.TIMESTAMP_INVALID: "X-Gitee-Timestamp is missing or not a number of milliseconds since 1970",
    Verdict.STALE: "X-Gitee-Timestamp is too far from the current time: an old webhook, or a wrong clock",
    Verdict.MISMATCH: "X-Gitee-Token does not match any configured secret",
}
IGNORED = {
    "other_event": "only events of pull requests and comments are processed",
    "other_action": "this action is not processed",
    "open_again": "another delivery reports the same opening",
    "no_new_commits": "the update contains no new commits",
    "not_a_pull_request": "comments outside pull requests are not processed",
    "not_a_new_comment": "edited and deleted comments are not processed",
}


async def receive(request: web.Request) -> web.Response:
    """`POST /webhooks/gitee`."""
    deps = request.app[DEPS]
    response, outcome = await _receive(request, deps.intake, deps.clock)
    request.app[METRICS].deliveries.labels(outcome=outcome).inc()
    if not 200 <= response.status < 300:  # noqa: PLR2004 - the range of success codes
        deps.intake.throttle.warning(outcome, "rejected a delivery from %s: %s", request.remote, outcome)
    return response


async def only_post(_request: web.Request) -> web.Response:
    """`GET /webhooks/gitee`: explain the address to a person who opens it in a browser."""
    return json_message(405, "This address receives Gitee webhooks by POST.", headers={"Allow": "POST"})


async def _receive(request: web.Request, deps: IntakeDeps, clock: Clock) -> Answer:
    now = clock.now()
    if refusal := _judge(request, deps, now):
        return refusal
    headers = request.headers
    use = deps.uses.add(headers["X-Gitee-Token"], headers["X-Gitee-Timestamp"], now)
    if use is None:
        message = f"more than {MOST_USES} webhooks have these X-Gitee-Timestamp and X-Gitee-Token"
        return json_message(429, message), "reused"
    body = await _body(request, deps)
    if not isinstance(body, bytes):
        return body
    try:
        found = read(headers, body, now)
    except MalformedDeliveryError as error:
        return json_message(400, str(error)), "malformed"
    return await _accept(found, deps, use)


def _judge(request: web.Request, deps: IntakeDeps, now: datetime) -> Answer | None:
    """Refuse what can be refused by its headers."""
    headers = request.headers
    token, timestamp = headers.get("X-Gitee-Token"), headers.get("X-Gitee-Timestamp")
    verdict = verify(token, timestamp, deps.secrets, now, window=deps.uses.window, mode=deps.signature_mode)
    if not verdict.accepted:
        return json_message(401, UNAUTHORIZED[verdict]), str(verdict)
    if request.content_type != "application/json":
        return json_message(415, "the content type must be application/json"), "unsupported_media_type"
    if "Content-Encoding" in headers or headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        return json_message(415, "compressed bodies are not accepted"), "unsupported_media_type"
    if (request.content_length or 0) > deps.body_limit:
        return _too_large(deps)
    return None


async def _body(request: web.Request, deps: IntakeDeps) -> bytes | Answer:
    """Read the body; all unfinished bodies together have a limit."""
    body = bytearray()
    try:
        async with asyncio.timeout(deps.body_seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                deps.unfinished.bytes += len(chunk)
                if len(body) > deps.body_limit:
                    return _too_large(deps)
                if deps.unfinished.bytes > deps.unfinished.limit and len(body) > SMALL_BODY:
                    return _closing(_try_again("too many unfinished webhooks")), "too_many"
    except TimeoutError:
        return _closing(json_message(408, "the body did not arrive in time")), "too_slow"
    except web.RequestPayloadError:
        return _closing(json_message(400, "the body is not valid HTTP")), "malformed"
    finally:
        deps.unfinished.bytes -= len(body)
    return bytes(body)


async def _accept(found: Delivery | Ignored, deps: IntakeDeps, use: Use) -> Answer:
    if isinstance(found, Ignored):
        if found.why == "ping":
            return json_message(200, "pong", "ok"), "ping"
        return json_message(200, IGNORED.get(found.why, found.why), "ignored"), "ignored"
    if not deps.serves(found.repo):
        return json_message(200, f"{found.repo} is not served by this bot", "ignored"), "not_served"
    answer = await _commit(found, deps)
    if answer[1] == "duplicate":
        deps.uses.take_back(use)
    return answer


async def _commit(found: Delivery, deps: IntakeDeps) -> Answer:
    """Commit a delivery, and only then report that it is accepted."""
    try:
        new = await _stored(found, deps)
    except InboxFullError:
        return _try_again("the inbox is full"), "full"
    except RetryLater as error:
        deps.throttle.warning("not_stored", "cannot store a delivery: %s", error)
        return store_unavailable(), "not_stored"
    logger.info("delivery %s: %s of %s!%s", found.key[:12], found.trigger, found.repo, found.number)
    if not new:
        return json_message(200, "this event was accepted before", "duplicate"), "duplicate"
    return json_message(200, "stored", "accepted"), "accepted"


async def _stored(found: Delivery, deps: IntakeDeps) -> bool:
    """Store a delivery, with a second attempt; return whether it is new. Gitee sends it only once.

    A connection from before a restart or failover of the database fails at once, and the next one works.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        return await deps.accept(found)
    except RetryLater:
        if loop.time() - began >= AT_ONCE:
            raise
    return await deps.accept(found)


def _too_large(deps: IntakeDeps) -> Answer:
    return _closing(json_message(413, f"the body exceeds {deps.body_limit} bytes")), "too_large"


def _try_again(message: str) -> web.Response:
    return json_message(503, message, headers={"Retry-After": str(RETRY_AFTER)})


def _closing(response: web.Response) -> web.Response:
    """Close the connection after this response instead of waiting for the rest of the body."""
    response.force_close()
    return response
