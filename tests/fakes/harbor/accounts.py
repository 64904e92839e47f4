"""Authenticates requests to the fake Harbor."""

import base64

from aiohttp import web

from tests.fakes.harbor.state import State


def permissions_of(state: State, request: web.Request) -> frozenset[str] | None:
    """Return the permissions of the account that a request names; None for an unknown account."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    name, _, password = base64.b64decode(given).decode().partition(":")
    account = state.accounts.get(name)
    return account.permissions if account is not None and account.password == password else None
