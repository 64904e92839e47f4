"""The headers that the preview proxy passes on. Pure.

Headers of a single connection are dropped (RFC 9110, section 7.6.1). X-Forwarded-* describe the visitor
to the service. Credentials of a sign-on in front of the bot are withheld. Cookies are limited to the
preview's own hostname, so that a preview can set none for other previews or the dashboard.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from multidict import CIMultiDict, CIMultiDictProxy

from bot.web.previews.sign_on import SignOn

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# aiohttp responds to it before a handler sees the request.
ANSWERED_HERE = frozenset({"expect"})
HANDSHAKE = frozenset(
    {
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
    }
)


@dataclass(frozen=True, slots=True)
class Front:
    """What the proxy knows about the way by which a request arrived."""

    scheme: str
    sign_on: SignOn


def to_service(
    headers: CIMultiDictProxy[str], *, peer: str, host: str, front: Front, dropped: Iterable[str] = ()
) -> CIMultiDict[str]:
    """Return the headers for the service. Host is the one that the visitor sent."""
    passed = _end_to_end(headers, {*ANSWERED_HERE, *dropped})
    for name in {name for name in passed if front.sign_on.withholds(name)}:
        del passed[name]
    for cookies in passed.popall("Cookie", ()):
        if kept := front.sign_on.cookies(cookies):
            passed.add("Cookie", kept)
    chain = [*headers.getall("X-Forwarded-For", ()), peer]
    passed["X-Forwarded-For"] = ", ".join(one for one in chain if one)
    passed["X-Forwarded-Host"] = host
    passed["X-Forwarded-Proto"] = front.scheme
    return passed


def to_visitor(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Return the headers for the visitor."""
    passed = _end_to_end(headers, set())
    cookies = passed.popall("Set-Cookie", ())
    for cookie in cookies:
        passed.add("Set-Cookie", host_only(cookie))
    return passed


def host_only(cookie: str) -> str:
    """Return a Set-Cookie value without Domain, which limits the cookie to the host that set it."""
    first, *attributes = cookie.split(";")
    kept = [one for one in attributes if one.partition("=")[0].strip().lower() != "domain"]
    return ";".join([first, *kept])


def _end_to_end(headers: CIMultiDictProxy[str], dropped: set[str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for value in headers.getall("Connection", ()) for name in value.split(",")}
    refused = HOP_BY_HOP | dropped | named
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in refused)
