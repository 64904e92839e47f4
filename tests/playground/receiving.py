"""A webhook receiver for tests, and the types of fixtures."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

Api = Callable[[str | None], httpx.AsyncClient]
"""Returns a client of API v5 with the token of this user, or without a token."""

REPO = "team/shop"


@dataclass
class Received:
    """One received request."""

    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Receiver:
    """Records requests and answers with `status`; while `hold` is not set, it does not answer."""

    url: str = ""
    status: int = 200
    requests: list[Received] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(Received(dict(request.headers), json.loads(await request.text())))
        await self.hold.wait()
        return web.json_response({"seen": len(self.requests)}, status=self.status)

    def actions(self) -> list[tuple[str, str | None]]:
        return [(one.body["action"], one.body.get("action_desc")) for one in self.requests]


def signed(secret: str, timestamp: str) -> str:
    """Compute the signature independently, from Gitee's description."""
    message = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
