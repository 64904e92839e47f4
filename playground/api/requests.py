"""What all API routes need: user, repository, parameters and pages."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from yarl import URL

from playground import refusals
from playground.api.serializers import ApiSerializer, Json
from playground.forge import OfflineForge
from playground.state import Permission, Pull, Repository, User

T = TypeVar("T")

_MAX_PER_PAGE = 100
_PER_PAGE = 20


@dataclass(slots=True)
class ApiRequest:
    """An API request with its user, and its parameters from query and body."""

    request: web.Request
    forge: OfflineForge
    serializer: ApiSerializer
    user: User | None
    body: Any

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of query and body; those of the body take precedence."""
        return {**self.request.query, **(self.body if isinstance(self.body, dict) else {})}

    def path(self, name: str) -> str:
        """Return a variable part of the path."""
        return self.request.match_info[name]

    def number(self, name: str) -> int:
        """Return a number in the path."""
        return int(self.path(name))

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter as text."""
        value = self.parameters.get(name)
        return default if value is None else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean parameter, given in JSON or as text of a form."""
        value = self.parameters.get(name)
        return default if value is None else str(value).lower() in {"true", "1"}

    def known_user(self) -> User:
        """Return the user. Raises 401 without a token."""
        if self.user is None:
            raise refusals.unauthenticated()
        return self.user

    def repository(self, needed: Permission = "read") -> Repository:
        """Return the repository of the path if the user has this permission. Raises 404, 401 or 403."""
        repository = self.forge.repository(f"{self.path('owner')}/{self.path('repo')}")
        if needed == "read" and self.forge.world.may(self.user, "read", repository):
            return repository
        self.forge.require(self.user, needed, repository)
        return repository

    def pull(self) -> Pull:
        """Return the pull request of the path."""
        return self.forge.pull(self.repository(), self.number("number"))

    def page(self, items: Sequence[T], shape: Callable[[T], Json]) -> web.Response:
        """Return one page of a list, with Gitee's headers about pages."""
        page, per_page = _positive(self.text("page"), 1), _positive(self.text("per_page"), _PER_PAGE)
        per_page = min(per_page, _MAX_PER_PAGE)
        total_page = max(-(-len(items) // per_page), 1)
        shown = [shape(item) for item in items[(page - 1) * per_page : page * per_page]]
        links = _links(self.request.url, page, total_page)
        headers = {"total_count": str(len(items)), "total_page": str(total_page), **links}
        return web.json_response(shown, headers=headers)


def _positive(text: str, default: int) -> int:
    return int(text) if text.isdigit() and int(text) > 0 else default


def _links(url: URL, page: int, last: int) -> dict[str, str]:
    numbers = {"prev": page - 1, "next": page + 1, "first": 1, "last": last}
    links = [
        f"<{url.update_query(page=number)}>; rel='{name}'"
        for name, number in numbers.items()
        if 1 <= number <= last
    ]
    return {"Link": ", ".join(links)}


Route = Callable[[ApiRequest], Awaitable[web.StreamResponse]]


class Chapter:
    """The routes of one chapter. Most of their paths contain `owner` and `repo`."""

    def __init__(self) -> None:
        self.routes: list[tuple[str, str, Route]] = []

    def add(self, method: str, path: str) -> Callable[[Route], Route]:
        """Register a route; `/R` at the start stands for `/repos/{owner}/{repo}`."""

        def register(route: Route) -> Route:
            full = path.replace("/R", "/repos/{owner}/{repo}", 1) if path.startswith("/R") else path
            self.routes.append((method, f"/api/v5{full}", route))
            return route

        return register


async def body_of(request: web.Request) -> Any:
    """Return the parsed body: JSON, or a form as a dictionary. Raises 400 for invalid JSON."""
    if not request.body_exists:
        return None
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    text = await request.text()
    try:
        return json.loads(text) if text.strip() else None
    except ValueError as error:
        raise refusals.bad_request("400 Bad Request: body is not JSON") from error
