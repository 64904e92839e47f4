"""An HTTP proxy between one bot and Gitee: it records what Gitee has acted on, and injects faults."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Self

import aiohttp
from aiohttp import web

from tests.crash.history import CommentEvent, History

WRITES = frozenset({"POST", "PATCH"})
PATIENT = 8.0
"""Seconds for which a bot certainly waits for an answer."""
GIVEN_UP = 16.0
"""Seconds after which a bot has given up waiting for an answer."""
_HOP = {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Content-Encoding"}
_COMMENTS = re.compile(r"/pulls/(comments/)?\d+(/comments)?$")


class Trouble(StrEnum):
    """What happens to one request, or to a few when Gitee limits them."""

    LATE = "late"
    """Gitee answers 504, and acts later."""
    MUTE = "mute"
    """Gitee does not answer before the bot gives up, and acts after that."""
    REPEATED = "repeated"
    """Gitee acts, a gateway on the way gets no answer, repeats the request and answers 502."""
    CUT_BEFORE = "cut before"
    """The connection breaks before Gitee has acted."""
    CUT_AFTER = "cut after"
    """The connection breaks after Gitee has acted."""
    LIMITED = "limited"
    """429 with `Retry-After`."""
    FORBIDDEN = "forbidden"
    """403, as Gitee answers above its rate limit."""
    SLOW = "slow"
    """The answer takes some seconds."""

    @property
    def writes_only(self) -> bool:
        """Whether it concerns only requests that change something."""
        return self not in {Trouble.LIMITED, Trouble.FORBIDDEN, Trouble.SLOW}


_ANSWERS = {
    Trouble.LATE: (504, "Gateway Time-out"),
    Trouble.MUTE: (504, "Gateway Time-out"),
    Trouble.REPEATED: (502, "Bad Gateway"),
    Trouble.LIMITED: (429, "429 Too Many Requests"),
    Trouble.FORBIDDEN: (403, "403 Forbidden: API rate limit exceeded"),
}


@dataclass(eq=False)
class Armed:
    """A trouble that waits for its request."""

    trouble: Trouble
    seconds: float
    times: int
    hit: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class GiteeLink:
    """Forwards the requests of one bot within `async with`."""

    upstream: str
    replica: int
    lease: Callable[[], str]
    """Returns the name of the bot's lease."""
    history: History
    url: str = ""
    _armed: list[Armed] = field(default_factory=list)
    _later: set[asyncio.Task[None]] = field(default_factory=set)
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=1 << 23)
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._session = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._later:
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    @property
    def all_acted(self) -> bool:
        """Whether Gitee has acted on all requests."""
        return not self._later

    async def trouble(self, trouble: Trouble, seconds: float, times: int, patience: float) -> bool:
        """Inject a fault into the next fitting request, and wait for it; return False if there was none."""
        armed = Armed(trouble, seconds, times)
        self._armed.append(armed)
        try:
            async with asyncio.timeout(patience):
                await armed.hit.wait()
        except TimeoutError:
            return False
        finally:
            if not armed.hit.is_set() or times == 1:
                self._disarm(armed)
        return True

    def _disarm(self, armed: Armed) -> None:
        if armed in self._armed:
            self._armed.remove(armed)

    def heal(self) -> None:
        """Forget all faults that have not happened yet."""
        self._armed.clear()

    def _take(self, method: str) -> Armed | None:
        for armed in self._armed:
            if method in WRITES or not armed.trouble.writes_only:
                armed.times -= 1
                armed.hit.set()
                if not armed.times:
                    self._armed.remove(armed)
                return armed
        return None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body, lease = await request.read(), self.lease()
        armed = self._take(request.method)
        if armed is not None:
            await self._act(armed, request, body, lease)
        if armed is None or armed.trouble is Trouble.SLOW:
            return await self._forward(request, body, lease)
        if armed.trouble in _ANSWERS:
            status, words = _ANSWERS[armed.trouble]
            return web.json_response({"message": words}, status=status, headers={"Retry-After": "1"})
        if request.transport is not None:
            request.transport.abort()
        return web.Response()  # It is never sent.

    async def _act(self, armed: Armed, request: web.Request, body: bytes, lease: str) -> None:
        """Let Gitee act, or not, before the answer."""
        match armed.trouble:
            case Trouble.LATE:
                self._act_later(request, body, lease, armed.seconds)
            case Trouble.MUTE:
                self._act_later(request, body, lease, GIVEN_UP + armed.seconds)
                await asyncio.sleep(GIVEN_UP)
            case Trouble.REPEATED:
                await self._forward(request, body, lease)
                await self._forward(request, body, lease, repeated=True)
            case Trouble.CUT_AFTER:
                await self._forward(request, body, lease)
            case Trouble.SLOW:
                await asyncio.sleep(min(armed.seconds, PATIENT))

    def _act_later(self, request: web.Request, body: bytes, lease: str, seconds: float) -> None:
        async def act() -> None:
            await asyncio.sleep(seconds)
            await self._forward(request, body, lease, delayed=True)

        task = asyncio.create_task(act())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _forward(
        self,
        request: web.Request,
        body: bytes,
        lease: str,
        *,
        delayed: bool = False,
        repeated: bool = False,
    ) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name not in _HOP}
        sending = self._session.request(
            request.method, f"{self.upstream}{request.raw_path}", data=body, headers=headers
        )
        async with sending as answer:
            text = await answer.read()
            if request.method != "GET" and _COMMENTS.search(request.path):
                words = str(json.loads(body).get("body", "")) if body else ""
                where = (request.method, request.path, answer.status, self.replica, lease, words)
                self.history.add(CommentEvent(monotonic(), *where, delayed=delayed, repeated=repeated))
            kept = {name: value for name, value in answer.headers.items() if name not in _HOP}
            return web.Response(status=answer.status, body=text, headers=kept)
