"""The one JSON shape in which the intake and the API say how it went, and what wraps errors into it."""

from aiohttp import web

RETRY_AFTER = 30
"""Seconds after which it is worth asking again while something is away or full."""

CODES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
    503: "unavailable",
}


def told(status: int, message: str, code: str = "", headers: dict[str, str] | None = None) -> web.Response:
    """Answer `{"status": …, "message": …}`; without a code of its own an error has its status' name."""
    words = {"status": code or CODES.get(status, "error"), "message": message}
    return web.json_response(words, status=status, headers=headers)


def told_away() -> web.Response:
    """Say that the store is away: what was asked, or brought, is welcome in a while."""
    headers = {"Retry-After": str(RETRY_AFTER)}
    return told(503, "the bot's database does not answer; try again in a while", headers=headers)


def told_error(error: web.HTTPException) -> web.Response:
    """Say in JSON what aiohttp would have said in plain text."""
    allow = error.headers.get("Allow")
    return told(error.status, error.text or error.reason, headers={"Allow": allow} if allow else None)
