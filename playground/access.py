"""Authentication: all ways in which Gitee accepts a token, for the API and for git over HTTP."""

import base64
import binascii

from aiohttp import web

from playground import refusals
from playground.state import User, World


def credentials(authorization: str) -> str | None:
    """Return the token in an `Authorization` header; empty if it is malformed, None for other schemes."""
    kind, _, value = authorization.partition(" ")
    if kind.lower() in {"bearer", "token"}:
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return None


async def token_of(request: web.Request) -> str | None:
    """Return the token in header, query, form or JSON body, if there is one."""
    header = request.headers.get("Authorization")
    if header is not None:
        return credentials(header) or ""
    found = request.headers.get("PRIVATE-TOKEN") or request.query.get("access_token")
    if found is not None or not request.body_exists:
        return found
    return await _token_in_body(request)


async def _token_in_body(request: web.Request) -> str | None:
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except ValueError:
            return None
        found = body.get("access_token") if isinstance(body, dict) else None
        return found if isinstance(found, str) else None
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        field = (await request.post()).get("access_token")
        return field if isinstance(field, str) else None
    return None


def user_of(world: World, token: str | None) -> User | None:
    """Return the user of a token; None without a token. Raises 401 for an unknown token."""
    if token is None:
        return None
    user = world.user_of_token(token) if token else None
    if user is None:
        raise refusals.unauthenticated()
    return user
