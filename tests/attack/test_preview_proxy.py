"""Attacks on the preview proxy by services and by visitors, and on the credentials of visitors."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from bot.model.environment import Endpoint
from bot.web.previews.sign_on import COOKIES, HEADERS
from tests.fakes.adapters import PATIENCE
from tests.web.fakes import environment
from tests.web.preview_proxy import HOST, Proxy, proxy, service, sign_on, stack
from tests.web.service import Service

__all__ = ["proxy", "service", "sign_on", "stack"]

OK = "HTTP/1.1 200 OK|"

# `|` is a line end, CR LF.
ANSWERS = {
    "nothing": "",
    "unasked 101": f"HTTP/1.1 101 Switching Protocols|Upgrade: x|Connection: Upgrade||{OK}|",
    "unasked 101 to WebSocket": "HTTP/1.1 101 Switching|Upgrade: websocket|Connection: Upgrade||",
    "unasked 101 without a protocol": "HTTP/1.1 101 OK||",
    "endless 100": "HTTP/1.1 100 Continue||" * 1000,
    "103 and no answer": "HTTP/1.1 103 Early Hints|Link: </x>||",
    "199": "HTTP/1.1 199 Odd||",
    "status 99": "HTTP/1.1 99 Low|Content-Length: 0||",
    "status of four digits": "HTTP/1.1 2000 OK|Content-Length: 0||",
    "no status": "HTTP/1.1||",
    "not HTTP": "SSH-2.0-OpenSSH_9.2|",
    "length and chunks": f"{OK}Content-Length: 5|Transfer-Encoding: chunked||0||{OK}|",
    "two lengths": f"{OK}Content-Length: 2|Content-Length: 40||ok{OK}|",
    "negative length": f"{OK}Content-Length: -1||ok",
    "broken chunk": f"{OK}Transfer-Encoding: chunked||zz|ok|0||",
    "body of a 204": f"HTTP/1.1 204 No Content|Content-Length: 30||{OK}|",
    "body of a 304": f"HTTP/1.1 304 Not Modified|Content-Length: 30||{OK}|",
    "more than its length": f"{OK}Content-Length: 2||ok{OK}X-Smuggled: 1||",
    "folded header": f"{OK}X-A: 1| X-Smuggled: 1|Content-Length: 0||",
    "bare line feeds": "HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 0\n\n",
    "carriage return in a value": f"{OK}X-A: 1\rX-Smuggled: 1|Content-Length: 0||",
    "control character in the reason": "HTTP/1.1 200 a\x0bb|Content-Length: 0||",
    "header of 100 KB": f"{OK}X-A: {'a' * 100_000}||",
    "200 long headers": OK + "".join(f"X-{number}: {'a' * 2000}|" for number in range(200)) + "|",
}
"""What a service answers before it closes the connection."""

HOSTED = f"Host: {HOST}|"
CLOSED = f"{HOSTED}Connection: close||"
GET = f"GET /x HTTP/1.1|{HOSTED}"
POST = f"POST /x HTTP/1.1|{HOSTED}"
SMUGGLED = f"GET /smuggled HTTP/1.1|{HOSTED}|"

REQUESTS = {
    "length and chunks": f"{POST}Content-Length: 4|Transfer-Encoding: chunked||0||{SMUGGLED}",
    "two lengths": f"{POST}Content-Length: 0|Content-Length: 44||{SMUGGLED}",
    "length with a sign": f"{POST}Content-Length: +0||{SMUGGLED}",
    "length in two values": f"{POST}Content-Length: 0, 44||{SMUGGLED}",
    "chunked twice": f"{POST}Transfer-Encoding: chunked, chunked||0||{SMUGGLED}",
    "chunked with a blank": f"{POST}Transfer-Encoding : chunked||0||{SMUGGLED}",
    "another encoding": f"{POST}Transfer-Encoding: xchunked||0||{SMUGGLED}",
    "chunk size with a sign": f"{POST}Transfer-Encoding: chunked||-1||{SMUGGLED}",
    "huge chunk size": f"{POST}Transfer-Encoding: chunked||fffffffffffffffff||{SMUGGLED}",
    "bare line feeds": f"GET /x HTTP/1.1\nHost: {HOST}\n\n{SMUGGLED}",
    "folded header": f"{GET}X-A: 1| Content-Length: 44||{SMUGGLED}",
    "null in a header": f"{GET}X-A: a\0b||{SMUGGLED}",
    "blank before the colon": f"{GET}X-A : 1||{SMUGGLED}",
    "two hosts": f"{GET}Host: 169.254.169.254||",
    "another host in the target": f"GET http://169.254.169.254/latest HTTP/1.1|{CLOSED}",
    "user info in the target": f"GET @169.254.169.254/ HTTP/1.1|{CLOSED}",
    "tunnel": f"CONNECT 169.254.169.254:80 HTTP/1.1|{CLOSED}",
    "asterisk": f"OPTIONS * HTTP/1.1|{CLOSED}",
    "backslashes": f"GET \\\\169.254.169.254\\x HTTP/1.1|{CLOSED}",
    "scheme without a host": f"GET http:/x HTTP/1.1|{CLOSED}",
    "file": f"GET file:///etc/passwd HTTP/1.1|{CLOSED}",
    "host of the machine": "GET /x HTTP/1.1|Host: 127.0.0.1|Connection: close||",
    "host with a path": f"GET /x HTTP/1.1|Host: {HOST}/../|Connection: close||",
    "host with a null": f"GET /x HTTP/1.1|Host: {HOST}\0.evil.example|Connection: close||",
    "upgrade to HTTP/2": f"{GET}Connection: Upgrade, HTTP2-Settings|Upgrade: h2c|HTTP2-Settings: AAMAAABk||",
    "preface of HTTP/2": "PRI * HTTP/2.0||SM||",
    "version 0.9": "GET /x||",
    "header of 100 KB": f"GET /x HTTP/1.1|X-A: {'a' * 100_000}|{CLOSED}",
}
"""What a visitor sends before closing the sending side of the connection."""


def sent(text: str) -> bytes:
    return text.replace("|", "\r\n").encode()


@dataclass
class Script:
    """What a scripted service received, and what it answers."""

    answer: str
    received: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def scripted(proxy: Proxy, answer: str) -> AsyncIterator[Script]:
    """Put a service that answers with these bytes behind the proxy."""
    script = Script(answer)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            script.received.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(sent(script.answer))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 20) as server:
        port = server.sockets[0].getsockname()[1]
        proxy.environments.put(environment(endpoint=Endpoint("127.0.0.1", port)))
        yield script


def is_well_formed(response: bytes) -> bool:
    """Whether these bytes are one final response and nothing after it."""
    head, _, body = response.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines[1:])
    if not lines[0].startswith(b"HTTP/1.1 ") or int(lines[0].split()[1]) < 200 or b"x-smuggled" in headers:
        return False
    return b"content-length" not in headers or len(body) <= int(headers[b"content-length"])


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_a_hostile_answer_neither_splits_nor_switches_the_connection(
    proxy: Proxy, service: Service, answer: str
) -> None:
    async with scripted(proxy, answer) as script:
        response = await proxy.raw(sent(f"GET /x HTTP/1.1|{CLOSED}").decode())
        assert is_well_formed(response), response[:300]
        status = int(response.split()[1])
        assert status in {200, 204, 304, 502}
        if answer.startswith(("HTTP/1.1 1", "SSH")):
            assert status == 502
        assert len(script.received) <= 2, "a request without an answer is sent once more"
    proxy.environments.put(environment(endpoint=service.endpoint))
    async with proxy.get("/after") as found:
        assert found.headers["X-Target"] == "/after"


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_a_hostile_request_reaches_its_service_as_one_request_or_not_at_all(
    proxy: Proxy, service: Service, request_: str
) -> None:
    async with scripted(proxy, f"{OK}Content-Length: 2||ok") as script:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(sent(request_))
        writer.write_eof()
        try:
            response = await asyncio.wait_for(reader.read(), PATIENCE)
        finally:
            writer.close()
    for received in script.received:
        head = received.lower()
        assert head.count(b"\r\nhost: ") == 1
        assert head.count(b"content-length:") + head.count(b"transfer-encoding:") <= 1
        assert b"upgrade" not in head
        assert b"169.254" not in head.split(b"\r\n")[0]
        assert b"\0" not in head
    assert b" 101 " not in response
    # A second request on the connection is one that the proxy itself took for a request.
    assert len(script.received) <= response.count(b"HTTP/1.1 200 OK")
    proxy.environments.put(environment(endpoint=service.endpoint))
    async with proxy.get("/after") as found:
        assert found.headers["X-Target"] == "/after"


def example(pattern: str) -> str:
    return pattern.replace("*", "x")


@pytest.mark.parametrize("name", [*map(example, HEADERS), "authorization", "X_Auth_Request_Access_Token"])
async def test_a_header_of_the_sign_on_is_withheld(proxy: Proxy, service: Service, name: str) -> None:
    async with proxy.get("/", **{name: "secret", "X-Api-Key": "own", "Accept-Language": "en"}):
        (seen,) = service.seen
    assert "secret" not in str(seen.headers)
    assert (seen.headers["X-Api-Key"], seen.headers["Accept-Language"]) == ("own", "en")


@pytest.mark.parametrize(
    "cookie",
    [
        *(f"{example(pattern)}=secret" for pattern in COOKIES),
        "_oauth2_proxy_0=secret; _oauth2_proxy_1=secret",
        "__Host-_oauth2_proxy=secret",
        "AUTHELIA_SESSION=secret",
        'x="; _oauth2_proxy=secret; y="',
        "_oauth2_proxy =secret",
        "\t_oauth2_proxy=secret",
    ],
)
async def test_a_cookie_of_the_sign_on_is_withheld(proxy: Proxy, service: Service, cookie: str) -> None:
    async with proxy.get("/", Cookie=f"session=own; {cookie}; theme=dark"):
        (seen,) = service.seen
    assert "secret" not in seen.headers["Cookie"]
    assert seen.headers["Cookie"].startswith("session=own; ")
    assert seen.headers["Cookie"].endswith("; theme=dark")


async def test_the_sign_on_is_withheld_from_websockets(proxy: Proxy, service: Service) -> None:
    headers = {"Host": HOST, "Authorization": "Bearer secret", "Cookie": "_oauth2_proxy=secret"}
    async with proxy.session.ws_connect(proxy.url("/talk"), headers=headers) as joined:
        await joined.send_str("leave")
        assert (await joined.receive()).type is aiohttp.WSMsgType.CLOSE
    (seen,) = service.seen
    assert "secret" not in str(seen.headers)
    assert "Cookie" not in seen.headers
