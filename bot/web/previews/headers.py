"""Which headers cross the preview proxy, and how: pure.

What concerns one connection only is dropped (RFC 9110, section 7.6.1), who asked is told to the
service in X-Forwarded-*, and cookies are tied to the preview's own name so that previews can
poison neither each other nor the dashboard.
"""

from collections.abc import Iterable

from multidict import CIMultiDict, CIMultiDictProxy

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
# Answered by this proxy's own server before a handler sees the request.
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


def to_service(
    headers: CIMultiDictProxy[str], *, peer: str, host: str, scheme: str, dropped: Iterable[str] = ()
) -> CIMultiDict[str]:
    """Return the headers to send on; Host stays as the visitor typed it."""
    passed = _end_to_end(headers, {*ANSWERED_HERE, *dropped})
    chain = [*headers.getall("X-Forwarded-For", ()), peer]
    passed["X-Forwarded-For"] = ", ".join(one for one in chain if one)
    passed["X-Forwarded-Host"] = host
    passed["X-Forwarded-Proto"] = scheme
    return passed


def to_visitor(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Return the headers to answer with."""
    passed = _end_to_end(headers, set())
    cookies = passed.popall("Set-Cookie", ())
    for cookie in cookies:
        passed.add("Set-Cookie", host_only(cookie))
    return passed


def host_only(cookie: str) -> str:
    """Return a Set-Cookie value without its Domain, which leaves it to the very host that set it."""
    first, *attributes = cookie.split(";")
    kept = [one for one in attributes if one.partition("=")[0].strip().lower() != "domain"]
    return ";".join([first, *kept])


def _end_to_end(headers: CIMultiDictProxy[str], dropped: set[str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for value in headers.getall("Connection", ()) for name in value.split(",")}
    refused = HOP_BY_HOP | dropped | named
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in refused)
