"""What all pages share: templates, language, the user as whom a visitor acts, errors, and CSRF protection."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web
from markupsafe import Markup

from bot.model.text import Language
from playground import rendering
from playground.forge import OfflineForge
from playground.git_repositories import Files, GitError
from playground.pages.messages import MESSAGES
from playground.payloads import time
from playground.refusals import ForgeRefusedError
from playground.state import Pull, Repository, User
from playground.webhooks import Webhooks

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HERE = Path(__file__).parent.parent
STATIC = _HERE / "static"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # With "no-referrer", Chromium would send the origin "null" with every form.
    "Referrer-Policy": "same-origin",
}
_YEAR = 365 * 24 * 3600


class Site:
    """What all pages share.

    `suggestions` are commands to fill in, `changes` are ready-made commits of each repository.
    """

    def __init__(
        self,
        forge: OfflineForge,
        webhooks: Webhooks,
        *,
        suggestions: Sequence[str],
        changes: Mapping[str, Mapping[str, Files]],
        public_url: str | None = None,
    ) -> None:
        self.public_url = public_url
        self.forge = forge
        self.webhooks = webhooks
        self.suggestions = suggestions
        self._changes = changes
        loader = jinja2.FileSystemLoader(_HERE / "templates")
        self._templates = jinja2.Environment(
            loader=loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"markdown": markdown, "iso": time}

    def changes_of(self, repository: Repository) -> Mapping[str, Files]:
        """Return the ready-made commits of a repository, by their names."""
        return self._changes.get(repository.full_name, {})

    def render(self, request: web.Request, template: str, **facts: Any) -> web.Response:
        """Return a page in the visitor's language."""
        language = language_of(request)
        page = self._templates.get_template(template).render(
            say=lambda key: MESSAGES[key].say(language),
            lang="zh-CN" if language is Language.ZH else "en",
            here=request.path,
            world=self.forge.world,
            visitor=self.visitor(request),
            **facts,
        )
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)

    def visitor(self, request: web.Request) -> User | None:
        """Return the user as whom the visitor last acted; by default the first user."""
        users = self.forge.world.users
        chosen = self.forge.world.user(request.cookies.get("as", ""))
        return chosen or next(iter(users.values()), None)

    def repository(self, request: web.Request) -> Repository:
        """Return the repository of the path."""
        return self.forge.repository(f"{request.match_info['owner']}/{request.match_info['repo']}")

    def pull(self, request: web.Request) -> Pull:
        """Return the pull request of the path."""
        return self.forge.pull(self.repository(request), int(request.match_info["number"]))

    def page(self, handler: Page) -> Page:
        """Wrap a handler: errors become pages, and the chosen language is stored in a cookie."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if not self._is_own_host(request):
                return web.Response(status=HTTPStatus.MISDIRECTED_REQUEST, text="421 Misdirected Request\n")
            try:
                response = await handler(request)
            except ForgeRefusedError as refusal:
                response = self._refused(request, refusal.status, refusal.message)
            except GitError as error:
                response = self._refused(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
            if request.query.get("lang") in {"zh", "en"} and not response.prepared:
                response.set_cookie(
                    "lang", request.query["lang"], max_age=_YEAR, samesite="Lax", httponly=True
                )
            return response

        return handle

    def action(self, handler: Page) -> Page:
        """Wrap a handler that changes something: only pages of this site may call it."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if not is_same_origin(request):
                raise ForgeRefusedError(HTTPStatus.FORBIDDEN, "403 Forbidden: not from a page of this site")
            response = await handler(request)
            acting = (await request.post()).get("as")
            if isinstance(acting, str) and self.forge.world.user(acting):
                response.set_cookie("as", acting, max_age=_YEAR, samesite="Lax", httponly=True)
            return response

        return self.page(handle)

    def _is_own_host(self, request: web.Request) -> bool:
        """Whether the Host header names this server, which protects against DNS rebinding.

        The pages show tokens, so on loopback only names of loopback and the public name are accepted.
        """
        known = urlsplit(self.public_url or "").netloc
        return request.host == known or not _on_loopback(request) or _names_loopback(request.host)

    def _refused(self, request: web.Request, status: int, message: str) -> web.Response:
        if request.headers.get("Accept") == "application/json":
            return web.json_response({"message": message}, status=status)
        page = self.render(request, "refused.html.j2", message=message)
        page.set_status(status)
        return page


def language_of(request: web.Request) -> Language:
    """Return the language in the query, otherwise the one in the cookie, otherwise Chinese."""
    wanted = request.query.get("lang") or request.cookies.get("lang")
    return Language.EN if wanted == "en" else Language.ZH


def markdown(text: str) -> Markup:
    """Return a comment as sanitized HTML, which templates must not escape."""
    return Markup(rendering.render(text))  # noqa: S704 - nh3 has sanitized it


def is_same_origin(request: web.Request) -> bool:
    """Whether a POST comes from a page of this site, or from a client that is not a browser."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return False
    return request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}


def _on_loopback(request: web.Request) -> bool:
    address = request.transport.get_extra_info("sockname") if request.transport else None
    return address is not None and ip_address(address[0]).is_loopback


def _names_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name in {"localhost", "127.0.0.1", "[::1]"} or name.startswith("127.")


async def form_text(request: web.Request, name: str) -> str:
    """Return a field of the form as text with plain newlines; empty if it is missing."""
    value = (await request.post()).get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""
