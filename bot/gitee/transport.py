"""Sends calls to Gitee's API, repeats them where that is safe, and turns failures into errors."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from bot.gitee.decoding import decode_answer
from bot.gitee.errors import error_for, unreachable, unreadable
from bot.model.errors import GiveUp, TooExpensive
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from bot.ports import Sandbox

Sleep = Callable[[float], Awaitable[None]]

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
BACKOFF = (0.3, 1.2)
"""Seconds between attempts, of which there is one more than pauses."""
MOST_REDIRECTS = 3
SMALL = 4 << 20
"""Bytes of an answer that are decoded at once. Only pages of very long comments or descriptions have more."""
LARGE = SandboxLimits(seconds=60, memory=1 << 30, output=256 << 20, inline=0)
_REPEATABLE = frozenset({"GET", "DELETE"})
"""Methods that are repeated here. A PATCH could take effect after a later one, so its caller must know."""
_ENCODING = {"content-encoding", "content-length", "transfer-encoding"}
_BUSY = frozenset({500, 502, 503, 504})

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `route` is a template relative to the API's address, filled with quoted `values`."""

    method: str
    route: str
    values: Mapping[str, object] = field(default_factory=dict)
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: Any = None
    words: bool = False
    """Whether the body contains a comment's text."""
    most: int | None = None
    """Bytes of an answer with a file, which can be of any size."""
    repeat: bool = True
    """Whether it is sent again if Gitee is unavailable."""

    @property
    def path(self) -> str:
        """The route, filled in. Slashes stay unquoted only in a value named `path`."""
        quoted = {
            name: quote(str(value), safe="/" if name == "path" else "") for name, value in self.values.items()
        }
        return self.route.format_map(quoted)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class AnswerTooLargeError(Exception):
    """The answer is longer than the call's limit."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Transport:
    """Sends calls with the bot's token, which is sent only to the API's own origin."""

    def __init__(
        self,
        api_url: str,
        token: str,
        sandbox: Sandbox,
        *,
        http: httpx.AsyncClient | None = None,
        sleep: Sleep = asyncio.sleep,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._base = httpx.URL(api_url.rstrip("/"))
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = http or httpx.AsyncClient(timeout=TIMEOUT)
        self._sleep = sleep
        self._now = now
        self._sandbox = sandbox

    def __repr__(self) -> str:
        return f"Transport({str(self._base)!r})"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def json(self, call: Call) -> Any:
        """Send a call and return the answer's JSON; None for 404. Raises RetryLater and GiveUp."""
        response = await self.send(call)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        return await self.decoded(call, response)

    async def decoded(self, call: Call, response: httpx.Response) -> Any:
        """Return an answer's JSON; a large one is decoded outside of the event loop. Raises RetryLater."""
        body, asked = response.content, str(call)
        if len(body) <= SMALL:
            return decode_answer(body, asked)
        try:
            return await self._sandbox.call(LARGE, asked, decode_answer, body, asked)
        except TooExpensive as error:
            raise unreadable(asked, "the answer is too large") from error

    async def send(self, call: Call) -> httpx.Response:
        """Send a call and return its 2xx or 404 answer. Raises RetryLater and GiveUp.

        Idempotent calls are repeated a few times, a POST or PATCH only if it cannot have arrived; otherwise
        it raises AnswerLost. Callers that post therefore check first whether the object exists.
        """
        for pause in BACKOFF if call.repeat else ():
            try:
                response = await self._exchange(call)
            except httpx.TransportError as error:
                if not _may_repeat(call, error):
                    raise unreachable(str(call), error, changes=True) from error
                logger.info("%s: %s, trying again in %s s", call, type(error).__name__, pause)
            else:
                if response.status_code not in _BUSY or call.method not in _REPEATABLE:
                    return self._judged(call, response)
                logger.info("%s: %s, trying again in %s s", call, response.status_code, pause)
            await self._sleep(pause)
        try:
            return self._judged(call, await self._exchange(call))
        except httpx.TransportError as error:
            changes = not _may_repeat(call, error)
            raise unreachable(str(call), error, changes=changes) from error

    def _judged(self, call: Call, response: httpx.Response) -> httpx.Response:
        if response.is_success or response.status_code == HTTPStatus.NOT_FOUND:
            return response
        changes = call.method not in _REPEATABLE
        raise error_for(response, str(call), self._now(), words=call.words, changes=changes)

    async def _exchange(self, call: Call) -> httpx.Response:
        """Send once, following the redirects of a renamed repository."""
        url = httpx.URL(str(self._base) + call.path, params=dict(call.query) or None)
        for _ in range(MOST_REDIRECTS):
            response = await self._sent(call, url)
            if not response.is_redirect:
                return response
            url = self._followed(call, url, response)
        raise GiveUp(Reason.GITEE_DENIED, {"message": f"{call}: too many redirects"})

    async def _sent(self, call: Call, url: httpx.URL) -> httpx.Response:
        # A compressed answer could be a thousand times larger than what is received.
        plain = {} if call.most is None else {"Accept-Encoding": "identity"}
        request = self._http.build_request(
            call.method, url, json=call.body, headers={**self._headers, **plain}
        )
        response = await self._http.send(request, stream=True, follow_redirects=False)
        return await _received(call, response)

    def _followed(self, call: Call, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        """Return where a redirect leads; raises GiveUp outside of the API, which alone may get the token."""
        target = url.join(response.headers["location"])
        same_origin = (target.scheme, target.host, target.port) == (url.scheme, url.host, url.port)
        if same_origin and target.path.startswith(self._base.path.rstrip("/") + "/"):
            return target
        raise GiveUp(Reason.GITEE_DENIED, {"message": f"{call}: redirected away from the API"})


async def _received(call: Call, response: httpx.Response) -> httpx.Response:
    """Return the response with its body. Raises AnswerTooLargeError as soon as it is beyond the limit."""
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in response.aiter_bytes():
            pieces.append(piece)
            size += len(piece)
            if call.most is not None and size > call.most:
                raise AnswerTooLargeError(str(call))
    finally:
        await response.aclose()
    # A page of comments can have 80 MB; joining as much lets other threads run.
    content = b"".join(pieces) if size <= SMALL else await asyncio.to_thread(b"".join, pieces)
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _ENCODING]
    return httpx.Response(response.status_code, headers=headers, content=content, request=response.request)


def _may_repeat(call: Call, error: httpx.TransportError) -> bool:
    never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return never_sent or call.method in _REPEATABLE
