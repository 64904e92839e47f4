"""HTTP client of Jenkins: adds credentials, limits the size of responses, raises the bot's errors.

It follows no redirects and no URLs that Jenkins returns: credentials go to the configured address only.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from bot.runners.jenkins.errors import error_for, is_crumb, unavailable
from bot.runners.jenkins.responses import decoded

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
SMALL = 4 << 20
"""Default limit of a JSON response, in bytes."""
_PAGE = 64 << 10
"""Bytes of an error page that are read."""


@dataclass(frozen=True, slots=True)
class JenkinsOptions:
    """Address of Jenkins, and the bot's account, with an API token or a password."""

    url: str
    user: str = ""
    token: str = ""
    password: str = ""
    verify: bool = True

    @property
    def needs_crumb(self) -> bool:
        """Whether changes require a crumb; with an API token they do not."""
        return not self.token and bool(self.password)


class TooLargeError(Exception):
    """A response exceeds the limit."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The response to an accepted change: status and `Location`."""

    status: int
    location: str


class JenkinsClient:
    """Sends requests as one account."""

    def __init__(self, settings: JenkinsOptions, *, http: httpx.AsyncClient | None = None) -> None:
        self._base = settings.url.rstrip("/")
        self._settings = settings
        self._http = http or httpx.AsyncClient(timeout=TIMEOUT, verify=settings.verify)
        secret = settings.token or settings.password
        self._auth = httpx.BasicAuth(settings.user, secret) if settings.user else None
        self._crumb: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"JenkinsClient({self._base!r})"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def json(self, path: str, tree: str = "", *, job: str = "", limit: int = SMALL) -> Any:
        """Return the JSON of `path/api/json`; None for 404. Raises TooLargeError and the bot's errors."""
        return (await self.dated(path, tree, job=job, limit=limit))[0]

    async def dated(self, path: str, tree: str, *, job: str = "", limit: int = SMALL) -> tuple[Any, str]:
        """Return the JSON and the response's HTTP date: Jenkins' clock may differ from the bot's."""
        body, date = await self.body(path, tree, job=job, limit=limit)
        return None if body is None else decoded(body, path), date

    async def body(
        self, path: str, tree: str, *, job: str = "", limit: int = SMALL
    ) -> tuple[bytes | None, str]:
        """Return the JSON before it is decoded, and the response's date; None for 404. Raises as `json`."""
        query = {"tree": tree} if tree else {}
        async with self.open(f"{path}/api/json", query, job=job) as response:
            if response is None:
                return None, ""
            return await _whole(response, limit), response.headers.get("Date", "")

    async def content(self, path: str, limit: int, *, job: str = "") -> bytes | None:
        """Return a file; None for 404. Raises TooLargeError and the bot's errors."""
        async with self.open(path, {}, job=job) as response:
            return None if response is None else await _whole(response, limit)

    @asynccontextmanager
    async def open(
        self, path: str, query: Mapping[str, str], *, job: str = ""
    ) -> AsyncIterator[httpx.Response | None]:
        """Yield a response whose body is not read yet; None for 404."""
        asked = f"GET {path}"
        # Output of code under test could be a million times larger than its compressed form.
        plain = {"Accept-Encoding": "identity"}
        request = self._http.build_request(
            "GET", self._base + path, params=dict(query) or None, headers=plain
        )
        try:
            response = await self._http.send(request, auth=self._auth, stream=True, follow_redirects=False)
            try:
                if response.is_success:
                    yield response
                elif response.status_code == HTTPStatus.NOT_FOUND:
                    yield None
                else:
                    page = await _page(response)
                    raise error_for(response.status_code, response.headers, page, asked, job)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise unavailable(f"{asked}: {_error_message(error)}") from error

    async def post(
        self, path: str, data: Mapping[str, str] | None = None, *, job: str = ""
    ) -> Accepted | None:
        """Request a change, once; None for 404. After an error it may have happened nevertheless."""
        if self._settings.needs_crumb and not self._crumb:
            await self._fetch_crumb()
        response = await self._posted(path, data)
        if is_crumb(response.status_code, response.text[:_PAGE]) and self._settings.needs_crumb:
            # The session has expired, and with it the crumb: try once with a new one.
            await self._fetch_crumb()
            response = await self._posted(path, data)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        location = response.headers.get("Location", "")
        if response.is_success or _is_accepted(response.status_code, location):
            return Accepted(response.status_code, location)
        raise error_for(response.status_code, response.headers, response.text[:_PAGE], f"POST {path}", job)

    async def _posted(self, path: str, data: Mapping[str, str] | None) -> httpx.Response:
        try:
            return await self._http.post(
                self._base + path,
                data=dict(data or {}),
                headers=self._crumb,
                auth=self._auth or httpx.USE_CLIENT_DEFAULT,
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise unavailable(f"POST {path}: {_error_message(error)}") from error

    async def _fetch_crumb(self) -> None:
        """Fetch a crumb, which is valid for the session of its cookie; some servers require none."""
        self._crumb = {}
        found = await self.json("/crumbIssuer")
        if isinstance(found, dict) and found.get("crumb"):
            self._crumb = {str(found.get("crumbRequestField", "Jenkins-Crumb")): str(found["crumb"])}


def _is_accepted(status: int, location: str) -> bool:
    """Return whether a redirect means success: it leads to the changed object, not to a login page."""
    redirected = status in {HTTPStatus.FOUND, HTTPStatus.SEE_OTHER}
    return redirected and not any(word in location for word in ("login", "securityRealm", "oic", "saml"))


async def _whole(response: httpx.Response, limit: int) -> bytes:
    found = bytearray()
    async for piece in response.aiter_bytes():
        found += piece
        if len(found) > limit:
            raise TooLargeError
    return bytes(found)


async def _page(response: httpx.Response) -> str:
    """Return the beginning of an error page."""
    found = bytearray()
    async for piece in response.aiter_bytes():
        found += piece
        if len(found) >= _PAGE:
            break
    return found[:_PAGE].decode("utf-8", "replace")


def _error_message(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
