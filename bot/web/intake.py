"""The webhook's door: a delivery is judged cheaply, read, and committed to disk before Gitee hears 200.

Nothing of a body or a token is ever logged: in password mode both carry the secret.
"""

import asyncio
import logging

from aiohttp import web

from bot.gitee.signature import Verdict, verify
from bot.gitee.wire import Ignored, MalformedDeliveryError, read
from bot.model.delivery import Delivery
from bot.model.errors import RetryLater
from bot.store.deliveries import InboxFullError
from bot.web.deps import DEPS, METRICS, WebDeps
from bot.web.responses import RETRY_AFTER, told, told_away

logger = logging.getLogger(__name__)

PATH = "/webhooks/gitee"

UNAUTHORISED = {
    Verdict.NO_SECRET: "nothing can be accepted before [gitee] webhook_secret is set here",
    Verdict.NO_TOKEN: "X-Gitee-Token is missing: set a password or a signing key on the webhook",
    Verdict.TIMESTAMP_INVALID: "X-Gitee-Timestamp is missing or not a number of milliseconds since 1970",
    Verdict.STALE: "X-Gitee-Timestamp is too far from the time here: sent long ago, or a clock is wrong",
    Verdict.MISMATCH: "X-Gitee-Token fits none of the configured secrets",
}
IGNORED = {
    "other_event": "events other than pull requests and comments are not used",
    "other_action": "this action is not used",
    "open_again": "the same opening is reported by another delivery",
    "no_new_commits": "the update brought no new commits",
    "not_a_pull_request": "comments outside pull requests are not used",
    "not_a_new_comment": "edited and deleted comments never act",
}


async def receive(request: web.Request) -> web.Response:
    """`POST /webhooks/gitee`."""
    response, outcome = await _receive(request, request.app[DEPS])
    request.app[METRICS].deliveries.labels(outcome=outcome).inc()
    if not 200 <= response.status < 300:  # noqa: PLR2004 - success, as HTTP has it
        logger.warning("delivery from %s refused: %s", request.remote, outcome)
    return response


async def explain(_request: web.Request) -> web.Response:
    """Tell whoever opens the address in a browser what it is for."""
    return told(405, "Webhooks of Gitee are received here, by POST.", headers={"Allow": "POST"})


async def _receive(request: web.Request, deps: WebDeps) -> tuple[web.Response, str]:
    if request.content_type != "application/json":
        return told(415, "send application/json"), "unsupported_media_type"
    try:
        body = await _body(request, deps)
    except TimeoutError:
        return _closing(told(408, "the body did not arrive in time")), "too_slow"
    if body is None:
        return _closing(told(413, f"at most {deps.body_limit} bytes are taken")), "too_large"
    verdict = verify(
        request.headers.get("X-Gitee-Token"),
        request.headers.get("X-Gitee-Timestamp"),
        deps.secrets,
        deps.clock.now(),
        window=deps.freshness,
        mode=deps.signature_mode,
    )
    if not verdict.accepted:
        return told(401, UNAUTHORISED[verdict]), str(verdict)
    try:
        found = read(request.headers, body, deps.clock.now())
    except MalformedDeliveryError as error:
        return told(400, str(error)), "malformed"
    return await _keep(found, deps)


async def _body(request: web.Request, deps: WebDeps) -> bytes | None:
    """Read the body, or as much of it as shows that it is too large; then None."""
    if (request.content_length or 0) > deps.body_limit:
        return None
    body = bytearray()
    async with asyncio.timeout(deps.body_seconds):
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > deps.body_limit:
                return None
    return bytes(body)


async def _keep(found: Delivery | Ignored, deps: WebDeps) -> tuple[web.Response, str]:
    if isinstance(found, Ignored):
        if found.why == "ping":
            return told(200, "pong", "ok"), "ping"
        return told(200, IGNORED.get(found.why, found.why), "ignored"), "ignored"
    if not deps.serves(found.repo):
        return told(200, f"{found.repo} is not served here", "ignored"), "not_served"
    return await _commit(found, deps)


async def _commit(found: Delivery, deps: WebDeps) -> tuple[web.Response, str]:
    """Keep a delivery before anybody hears that it is kept."""
    try:
        new = await deps.inbox.accept(found)
    except InboxFullError:
        return told(503, "the inbox is full", headers={"Retry-After": str(RETRY_AFTER)}), "full"
    except RetryLater as error:
        logger.error("a delivery cannot be kept: %s", error)  # noqa: TRY400 - expected
        return told_away(), "not_kept"
    logger.info("delivery %s: %s of %s!%s", found.key[:12], found.trigger, found.repo, found.number)
    if not new:
        return told(200, "this event is known already", "duplicate"), "duplicate"
    return told(200, "kept", "accepted"), "accepted"


def _closing(response: web.Response) -> web.Response:
    """Hang up afterwards instead of waiting for the rest of the body."""
    response.force_close()
    return response
