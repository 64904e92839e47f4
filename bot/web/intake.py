"""Receives webhooks: checks the signature, reads the body, and commits the delivery before it answers 200.

Bodies and tokens are never logged: in password mode both contain the secret.
"""

import asyncio
import logging

from aiohttp import web

from bot.gitee.signature import Verdict, verify
from bot.gitee.wire import Ignored, MalformedDeliveryError, read
from bot.model.delivery import Delivery
from bot.model.errors import RetryLater
from bot.ports import Clock
from bot.store.deliveries import InboxFullError
from bot.web.deps import DEPS, METRICS, IntakeDeps
from bot.web.responses import RETRY_AFTER, json_message, store_unavailable

logger = logging.getLogger(__name__)

PATH = "/webhooks/gitee"

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
    response, outcome = await _receive(request, request.app[DEPS].intake, request.app[DEPS].clock)
    request.app[METRICS].deliveries.labels(outcome=outcome).inc()
    if not 200 <= response.status < 300:  # noqa: PLR2004 - the range of success codes
        logger.warning("rejected a delivery from %s: %s", request.remote, outcome)
    return response


async def only_post(_request: web.Request) -> web.Response:
    """`GET /webhooks/gitee`: explain the address to a person who opens it in a browser."""
    return json_message(405, "This address receives Gitee webhooks by POST.", headers={"Allow": "POST"})


async def _receive(request: web.Request, deps: IntakeDeps, clock: Clock) -> tuple[web.Response, str]:
    if request.content_type != "application/json":
        return json_message(415, "the content type must be application/json"), "unsupported_media_type"
    try:
        body = await _body(request, deps)
    except TimeoutError:
        return _closing(json_message(408, "the body did not arrive in time")), "too_slow"
    if body is None:
        return _closing(json_message(413, f"the body exceeds {deps.body_limit} bytes")), "too_large"
    now = clock.now()
    verdict = verify(
        request.headers.get("X-Gitee-Token"),
        request.headers.get("X-Gitee-Timestamp"),
        deps.secrets,
        now,
        window=deps.freshness,
        mode=deps.signature_mode,
    )
    if not verdict.accepted:
        return json_message(401, UNAUTHORIZED[verdict]), str(verdict)
    try:
        found = read(request.headers, body, now)
    except MalformedDeliveryError as error:
        return json_message(400, str(error)), "malformed"
    return await _accept(found, deps)


async def _body(request: web.Request, deps: IntakeDeps) -> bytes | None:
    """Return the body, or None as soon as it exceeds the limit."""
    if (request.content_length or 0) > deps.body_limit:
        return None
    body = bytearray()
    async with asyncio.timeout(deps.body_seconds):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > deps.body_limit:
                return None
    return bytes(body)


async def _accept(found: Delivery | Ignored, deps: IntakeDeps) -> tuple[web.Response, str]:
    if isinstance(found, Ignored):
        if found.why == "ping":
            return json_message(200, "pong", "ok"), "ping"
        return json_message(200, IGNORED.get(found.why, found.why), "ignored"), "ignored"
    if not deps.serves(found.repo):
        return json_message(200, f"{found.repo} is not served by this bot", "ignored"), "not_served"
    return await _commit(found, deps)


async def _commit(found: Delivery, deps: IntakeDeps) -> tuple[web.Response, str]:
    """Commit a delivery, and only then report that it is accepted."""
    try:
        new = await deps.accept(found)
    except InboxFullError:
        return json_message(503, "the inbox is full", headers={"Retry-After": str(RETRY_AFTER)}), "full"
    except RetryLater as error:
        logger.error("cannot store a delivery: %s", error)  # noqa: TRY400 - expected
        return store_unavailable(), "not_stored"
    logger.info("delivery %s: %s of %s!%s", found.key[:12], found.trigger, found.repo, found.number)
    if not new:
        return json_message(200, "this event was accepted before", "duplicate"), "duplicate"
    return json_message(200, "stored", "accepted"), "accepted"


def _closing(response: web.Response) -> web.Response:
    """Close the connection after this response instead of waiting for the rest of the body."""
    response.force_close()
    return response
