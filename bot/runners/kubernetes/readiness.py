"""Checks that an environment answers: repeats a visitor's request until the service responds."""

from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.kubernetes.polling import until
from bot.runners.lines import clean

INTERVAL = 0.3
PROBE = 5.0
_READ = 4096
_UNKNOWN = "chatops-unknown"
_REDIRECTED_AT_MOST = 399
_NOT_FOUND = 404
_IN_BETWEEN = {0, 502, 503, 504}
"""No answer (0), and the statuses that proxies send for a service that does not answer."""


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """The request to make: `base` is where the connection goes, `host` the name that it asks for."""

    base: str
    host: str
    path: str | None
    seconds: float
    direct: bool = False
    """Whether there is no Ingress controller in between."""
    strict: bool = False
    """Whether the status must be below 400; otherwise any answer of the service counts."""

    @property
    def url(self) -> str:
        """The URL as people see it."""
        return f"{urlsplit(self.base).scheme}://{self.host}{self.path or '/'}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request; status 0 means none. `summary` is for people."""

    status: int
    body: str
    summary: str


async def until_ready(check: ReadinessCheck) -> None:
    """Wait until the service answers. Raises TellUser(URL_UNANSWERED) with the last answer."""
    last: list[Answer] = []
    async with _session() as session:

        async def answered() -> bool:
            last[:] = [await _ask(session, check, check.host)]
            elsewhere = await _elsewhere(session, check, last[0])
            return reached(last[0], elsewhere, strict=check.strict)

        try:
            await until(check.seconds, answered, INTERVAL)
        except TimeoutError:
            facts = {"url": check.url, "answer": last[0].summary, "seconds": f"{check.seconds:g}"}
            raise TellUser(Reason.URL_UNANSWERED, facts) from None


async def until_unrouted(check: ReadinessCheck) -> None:
    """Wait until the name has no route, or until time runs out: some controllers do not show it.

    A controller that still has the previous deployment's route would make the new deployment look ready, and
    then drop the route a moment later.
    """
    async with _session() as session:

        async def nowhere() -> bool:
            answer = await _ask(session, check, check.host)
            return unrouted(answer, await _ask_unknown(session, check))

        with suppress(TimeoutError):
            await until(check.seconds, nowhere, INTERVAL)


def reached(answer: Answer, unknown: Answer | None, *, strict: bool) -> bool:
    """Return whether the service itself answered.

    With `strict` the status must be below 400. Otherwise any answer of the service counts. An ingress
    controller sends “not found” too, so that counts only if an unknown name gets a different answer
    (`unknown`). A controller that reloads its routes may drop either connection, which proves nothing.
    """
    if strict:
        return 0 < answer.status <= _REDIRECTED_AT_MOST
    if answer.status in _IN_BETWEEN:
        return False
    if answer.status != _NOT_FOUND or unknown is None:
        return True
    return unknown.status != 0 and not unrouted(answer, unknown)


def unrouted(answer: Answer, unknown: Answer) -> bool:
    """Return whether a name has no route: it gets the same answer as an unknown name."""
    return (unknown.status, unknown.body) == (answer.status, answer.body)


def _session() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=PROBE)
    return aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


async def _elsewhere(session: aiohttp.ClientSession, check: ReadinessCheck, answer: Answer) -> Answer | None:
    """Request an unknown name, if the answer may be the controller's own “not found”."""
    if check.direct or answer.status != HTTPStatus.NOT_FOUND:
        return None
    return await _ask_unknown(session, check)


async def _ask_unknown(session: aiohttp.ClientSession, check: ReadinessCheck) -> Answer:
    _, _, domain = check.host.partition(".")
    return await _ask(session, check, f"{_UNKNOWN}.{domain}" if domain else _UNKNOWN)


async def _ask(session: aiohttp.ClientSession, check: ReadinessCheck, host: str) -> Answer:
    url = check.base.rstrip("/") + "/" + (check.path or "").lstrip("/")
    server = host if urlsplit(check.base).scheme == "https" else None
    try:
        async with session.get(
            url, headers={"Host": host}, allow_redirects=False, server_hostname=server, ssl=False
        ) as response:
            body = await response.content.read(_READ)
            return Answer(response.status, body.decode("utf-8", "replace"), f"HTTP {response.status}")
    except aiohttp.ClientConnectorError:
        return Answer(0, "", f"no connection to {check.base}")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return Answer(0, "", clean(str(error) or type(error).__name__))
