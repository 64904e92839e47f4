"""The door to Jenkins: sends calls with the bot's credentials, bounds answers, turns failures into errors.

Redirects are not followed and addresses that Jenkins tells are not used: credentials go to the configured
address alone.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from bot.runners.jenkins.errors import error_for, is_crumb, unavailable

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
SMALL = 4 << 20
"""Bytes of JSON that are read by default."""
_PAGE = 64 << 10
"""Bytes of an error page that are looked at."""


@dataclass(frozen=True, slots=True)
class JenkinsOptions:
    """Where Jenkins is, and who the bot is there: with an API token, or with a password."""

    url: str
    user: str = ""
    token: str = ""
    password: str = ""
    verify: bool = True

    @property
    def needs_crumb(self) -> bool:
        """Whether changes have to carry a crumb, which an API token spares."""
        return not self.token and bool(self.password)


class TooLargeError(Exception):
    """An answer has more bytes than were asked for at most."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to a change: its status, and where it leads."""

    status: int
    location: str


class JenkinsClient:
    """Speaks for one account."""

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
        """Return what `path/api/json` says; None for 404. Raises TooLargeError and our errors."""
        return (await self.dated(path, tree, job=job, limit=limit))[0]

    async def dated(self, path: str, tree: str, *, job: str = "", limit: int = SMALL) -> tuple[Any, str]:
        """Return also what Jenkins' clock says, as an HTTP date: it may differ from ours."""
        asked = f"GET {path}/api/json"
        query = {"tree": tree} if tree else {}
        async with self.open(f"{path}/api/json", query, job=job) as response:
            if response is None:
                return None, ""
            body = await _whole(response, limit)
            date = response.headers.get("Date", "")
        try:
            return json.loads(body), date
        except ValueError as error:
            raise unavailable(f"{asked}: the answer is not JSON") from error

    async def content(self, path: str, limit: int, *, job: str = "") -> bytes | None:
        """Return a file; None for 404. Raises TooLargeError and our errors."""
        async with self.open(path, {}, job=job) as response:
            return None if response is None else await _whole(response, limit)

    @asynccontextmanager
    async def open(
        self, path: str, query: Mapping[str, str], *, job: str = ""
    ) -> AsyncIterator[httpx.Response | None]:
        """Give an answer that is still to be read; None for 404."""
        asked = f"GET {path}"
        request = self._http.build_request("GET", self._base + path, params=dict(query) or None)
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
            raise unavailable(f"{asked}: {_told(error)}") from error

    async def post(
        self, path: str, data: Mapping[str, str] | None = None, *, job: str = ""
    ) -> Accepted | None:
        """Ask for a change, once; None for 404. After an error it may have happened all the same."""
        if self._settings.needs_crumb and not self._crumb:
            await self._fetch_crumb()
        response = await self._posted(path, data)
        if is_crumb(response.status_code, response.text[:_PAGE]) and self._settings.needs_crumb:
            # The session is over: a crumb of the new one was not refused yet.
            await self._fetch_crumb()
            response = await self._posted(path, data)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        location = response.headers.get("Location", "")
        if response.is_success or _leads_on(response.status_code, location):
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
            raise unavailable(f"POST {path}: {_told(error)}") from error

    async def _fetch_crumb(self) -> None:
        """Get a crumb, which holds for the session whose cookie comes with it; some Jenkins want none."""
        self._crumb = {}
        found = await self.json("/crumbIssuer")
        if isinstance(found, dict) and found.get("crumb"):
            self._crumb = {str(found.get("crumbRequestField", "Jenkins-Crumb")): str(found["crumb"])}


def _leads_on(status: int, location: str) -> bool:
    """Whether a redirect is how Jenkins says yes: to what was made or stopped, not to a login page."""
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


def _told(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
