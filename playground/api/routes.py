"""The aiohttp routes of API v5, and its error responses."""

import time
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from playground import access
from playground.api import check_runs, comments, contents, hooks, people, pulls, text
from playground.api.requests import ApiRequest, Route, body_of
from playground.api.serializers import ApiSerializer
from playground.forge import OfflineForge
from playground.git_repositories import GitError
from playground.refusals import ForgeRefusedError
from playground.webhooks import Webhooks

LIMIT = 5000
"""Requests per hour in the rate limit headers. It is not enforced; tests use faults for that."""
_HOUR = 3600


class Api:
    """The API of one Gitee."""

    def __init__(
        self, forge: OfflineForge, serializer: Callable[[], ApiSerializer], webhooks: Webhooks
    ) -> None:
        self._forge = forge
        self._serializer = serializer
        self._chapters = [
            *(module.chapter for module in (people, contents, pulls, comments, check_runs, text)),
            hooks.make_chapter(webhooks),
        ]
        self._used: dict[str, int] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        served = [
            web.route(method, path, self._handler(route))
            for chapter in self._chapters
            for method, path, route in chapter.routes
        ]
        return [*served, web.route("*", "/api/v5/{rest:.*}", _unknown)]

    def _handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                user = access.user_of(self._forge.world, await access.token_of(request))
                call = ApiRequest(request, self._forge, self._serializer(), user, await body_of(request))
                response = await route(call)
            except ForgeRefusedError as refusal:
                response = web.json_response({"message": refusal.message}, status=refusal.status)
            except GitError as error:
                response = web.json_response({"message": f"400 Bad Request: {error}"}, status=400)
            response.headers.update(self._limits(request))
            return response

        return handle

    def _limits(self, request: web.Request) -> dict[str, str]:
        token = request.headers.get("Authorization", "")
        self._used[token] = self._used.get(token, 0) + 1
        return {
            "X-Request-Id": uuid.uuid4().hex,
            "X-RateLimit-Limit": str(LIMIT),
            "X-RateLimit-Remaining": str(max(LIMIT - self._used[token], 0)),
            "X-RateLimit-Reset": str((int(time.time()) // _HOUR + 1) * _HOUR),
        }


async def _unknown(_request: web.Request) -> web.Response:
    return web.json_response({"message": "404 Not Found"}, status=404)
