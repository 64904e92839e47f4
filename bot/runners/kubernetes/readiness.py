"""Ready means that the address answered: one request as a visitor makes it, repeated until it does."""

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
_UNKNOWN = "chatops-nobody"
_REDIRECTED_AT_MOST = 399
_NOT_FOUND = 404
_IN_BETWEEN = {0, 502, 503, 504}
"""No answer at all, and what proxies say for a service that does not."""


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """Whom to ask for what. `base` is where the connection goes, `host` whom it is for."""

    base: str
    host: str
    path: str | None
    seconds: float
    direct: bool = False
    """Whether no ingress controller stands in between."""

    @property
    def url(self) -> str:
        """The address as a person would see it."""
        return f"{urlsplit(self.base).scheme}://{self.host}{self.path or '/'}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought; status 0 means nothing, `told` is for people."""

    status: int
    body: str
    told: str


async def until_ready(check: ReadinessCheck) -> None:
    """Return when the service answers; raises TellUser(URL_UNANSWERED) with what was answered last."""
    last: list[Answer] = []
    async with _session() as session:

        async def answered() -> bool:
            last[:] = [await _ask(session, check, check.host)]
            elsewhere = await _elsewhere(session, check, last[0])
            return reached(last[0], elsewhere, strict=check.path is not None)

        try:
            await until(check.seconds, answered, INTERVAL)
        except TimeoutError:
            facts = {"url": check.url, "answer": last[0].told, "seconds": f"{check.seconds:g}"}
            raise TellUser(Reason.URL_UNANSWERED, facts) from None


async def until_unrouted(check: ReadinessCheck) -> None:
    """Return when the name leads nowhere, or after a while: not every controller lets that be seen.

    A controller that has yet to drop the route of a former deployment would lead it to the new one, which
    then seems ready, and is out of reach again a moment later.
    """
    async with _session() as session:

        async def nowhere() -> bool:
            answer = await _ask(session, check, check.host)
            return unrouted(answer, await _ask_nobody(session, check))

        with suppress(TimeoutError):
            await until(check.seconds, nowhere, INTERVAL)


def reached(answer: Answer, unknown: Answer | None, *, strict: bool) -> bool:
    """Tell whether the service answered.

    With `strict` its path must answer below 400. Otherwise anything of its own counts; a “not found” counts
    only if a name that nobody has is answered otherwise (`unknown`), since an ingress controller says it too.
    A controller that takes up a new route may drop the connection of either question: that tells nothing.
    """
    if strict:
        return 0 < answer.status <= _REDIRECTED_AT_MOST
    if answer.status in _IN_BETWEEN:
        return False
    if answer.status != _NOT_FOUND or unknown is None:
        return True
    return unknown.status != 0 and not unrouted(answer, unknown)


def unrouted(answer: Answer, unknown: Answer) -> bool:
    """Tell whether a name leads nowhere: it is answered as one that nobody has."""
    return (unknown.status, unknown.body) == (answer.status, answer.body)


def _session() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=PROBE)
    return aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


async def _elsewhere(session: aiohttp.ClientSession, check: ReadinessCheck, answer: Answer) -> Answer | None:
    """Ask for a name that nobody has, when the answer may be the controller's own “not found”."""
    if check.direct or answer.status != HTTPStatus.NOT_FOUND:
        return None
    return await _ask_nobody(session, check)


async def _ask_nobody(session: aiohttp.ClientSession, check: ReadinessCheck) -> Answer:
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
