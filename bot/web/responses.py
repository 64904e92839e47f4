"""JSON responses of the intake and the API: one shape for outcomes and errors."""

from aiohttp import web

RETRY_AFTER = 30
"""Seconds after which a client should try again while something is unavailable or full."""

CODES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
    421: "misdirected",
    429: "too_many",
    503: "unavailable",
}


def json_message(
    status: int, message: str, code: str = "", headers: dict[str, str] | None = None
) -> web.Response:
    """Return `{"status": code, "message": …}`; by default the code is derived from the HTTP status."""
    content = {"status": code or CODES.get(status, "error"), "message": message}
    return web.json_response(content, status=status, headers=headers)


def store_unavailable() -> web.Response:
    """Return 503: the store is unavailable, and the client should retry."""
    headers = {"Retry-After": str(RETRY_AFTER)}
    return json_message(503, "the bot's database does not respond; try again later", headers=headers)


def json_error(error: web.HTTPException) -> web.Response:
    """Return aiohttp's plain-text error as JSON."""
    allow = error.headers.get("Allow")
    return json_message(error.status, error.text or error.reason, headers={"Allow": allow} if allow else None)
