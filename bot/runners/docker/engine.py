"""Requests to the Docker Engine: those that can be interrupted, and short calls that cannot.

Failures become `EngineFault`, which is worth a retry, or `EngineRefused`, which callers turn into a more
precise error where they know the reason.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any, Self, TypeVar

import aiohttp
import docker
import docker.errors
import requests

from bot.model.errors import GiveUp, RetryLater
from bot.model.reason import Reason
from bot.runners.cleanup import uninterrupted
from bot.runners.docker.connection import Target, connected, connector, resolve
from bot.runners.lines import json_object, split_lines
from bot.runners.response_body import received

T = TypeVar("T")

# BuildKit writes long lines; aiohttp's default buffer fails at 128 KiB with LineTooLong.
READ_BUFFER = 2**22
TIMEOUT = 60
"""Seconds that a short call may take."""
CONNECTING = 10
"""Seconds that connecting may take."""
# Everything used here exists since 1.41 (engine 20.10); engine 29 requires at least 1.44.
KNOWN_VERSION = (1, 44)


class EngineFault(RetryLater):
    """The engine does not answer, or failed with a 5xx; `status` is 0 without an answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        self.message = message
        self.status = status
        super().__init__(Reason.ENGINE_UNAVAILABLE, {"message": message})


class EngineRefused(GiveUp):
    """The engine refused a request with a 4xx."""

    def __init__(self, message: str, status: int) -> None:
        self.message = message
        self.status = status
        super().__init__(Reason.ENGINE_UNAVAILABLE, {"message": message})


def negotiate(newest: str, oldest: str) -> str:
    """Return the API version to use: the newest that both the engine and this code support.

    >>> negotiate("1.41", "1.12"), negotiate("1.52", "1.44"), negotiate("1.60", "1.50")
    ('1.41', '1.44', '1.50')
    """
    chosen = max(min(_version(newest), KNOWN_VERSION), _version(oldest))
    return ".".join(str(part) for part in chosen)


class DockerEngine:
    """One engine. `connect` succeeds even if the engine is away; calls then raise `EngineFault`."""

    def __init__(self, target: Target, session: aiohttp.ClientSession) -> None:
        self._target = target
        self._session = session
        self._threads = ThreadPoolExecutor(8, "docker")
        self._api: docker.APIClient | None = None
        self._version = ""

    @property
    def local(self) -> bool:
        """Whether the engine is on this machine, as far as its address says."""
        return self._target.socket is not None

    @classmethod
    async def connect(cls, host: str = "") -> Self:
        """Prepare connections to an engine; see `resolve`. Raises GiveUp(NOT_SUPPORTED) as it does."""
        target = await asyncio.to_thread(resolve, host)
        session = aiohttp.ClientSession(
            connector=connector(target),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECTING),
            read_bufsize=READ_BUFFER,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return cls(target, session)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        if self._api is not None:
            self._api.close()
        self._threads.shutdown(wait=False)

    async def version(self) -> Mapping[str, Any]:
        """Return the engine's versions; also the check that it answers."""
        async with self._send("GET", "/version", seconds=TIMEOUT) as response:
            found: dict[str, Any] = await response.json()
        self._version = negotiate(found["ApiVersion"], found.get("MinAPIVersion", "1.24"))
        return found

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and provide its response. Leaving closes it, which stops the work in the engine."""
        if not self._version:
            await self.version()
        path = f"/v{self._version}{path}"
        async with self._send(
            method, path, params=params, data=data, headers=headers, seconds=seconds
        ) as response:
            yield response

    @asynccontextmanager
    async def upgraded(
        self, path: str, protocol: str, headers: Mapping[str, str]
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Provide a connection whose protocol has been changed; leaving closes it."""
        if not self._version:
            await self.version()
        asked = {"Host": "docker", "Connection": "Upgrade", "Upgrade": protocol, **headers}
        lines = (f"POST /v{self._version}{path} HTTP/1.1", *(f"{name}: {asked[name]}" for name in asked))
        async with _closing(self._target) as (reader, writer):
            with _translated_errors():
                async with asyncio.timeout(TIMEOUT):
                    writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
                    status = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
            if status != HTTPStatus.SWITCHING_PROTOCOLS:
                raise _refusal(status, f"{path} is not available")
            yield reader, writer

    async def get(self, path: str, **params: str) -> Any:
        """Return the engine's JSON answer."""
        async with self.open("GET", path, params=params, seconds=TIMEOUT) as response:
            return await response.json()

    async def post(self, path: str, **params: str) -> Any:
        """Send a request that is answered when it is done, without a time limit."""
        async with self.open("POST", path, params=params) as response:
            return await response.json()

    async def messages(self, response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
        """Yield the JSON objects of a response, one on each line; overlong and broken ones are skipped."""
        async for line in split_lines(received(response)):
            if message := json_object(line):
                yield message
                # A flood of messages must not keep the event loop from everything else.
                await asyncio.sleep(0)

    async def short(self, call: Callable[[docker.APIClient], T]) -> T:
        """Run a short call of the SDK to its end, even if the caller is cancelled.

        Otherwise the call could create something after the clean-up that follows a cancellation.
        """
        if not self._version:
            await self.version()
        if self._api is None:
            self._api = await asyncio.to_thread(self._client)
        loop = asyncio.get_running_loop()
        return await uninterrupted(loop.run_in_executor(self._threads, _checked, call, self._api))

    def _client(self) -> docker.APIClient:
        return docker.APIClient(
            self._target.base_url,
            version=self._version,
            timeout=TIMEOUT,
            tls=self._target.tls or False,
        )

    @asynccontextmanager
    async def _send(
        self, method: str, path: str, *, seconds: float | None, **extra: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        with _translated_errors():
            limit = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECTING)
            response = await self._session.request(method, self._target.origin + path, timeout=limit, **extra)
            try:
                if response.status >= HTTPStatus.BAD_REQUEST:
                    raise _refusal(response.status, _text(await response.read()))
                yield response
            finally:
                response.close()


@asynccontextmanager
async def _closing(target: Target) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    with _translated_errors():
        async with asyncio.timeout(CONNECTING):
            reader, writer = await connected(target)
    try:
        yield reader, writer
    finally:
        writer.close()


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError, EOFError) as error:
        raise EngineFault(_described(error)) from error


def _described(error: Exception) -> str:
    return str(error) or type(error).__name__


def _checked(call: Callable[[docker.APIClient], T], api: docker.APIClient) -> T:
    try:
        return call(api)
    except docker.errors.APIError as error:
        status = error.response.status_code if error.response is not None else 500
        raise _refusal(status, str(error.explanation or error)) from error
    except (requests.RequestException, docker.errors.DockerException, OSError) as error:
        raise EngineFault(_described(error)) from error


def _refusal(status: int, message: str) -> EngineFault | EngineRefused:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return EngineFault(message, status)
    return EngineRefused(message, status)


def _text(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
