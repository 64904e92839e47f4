"""Attempts on the webhook intake: what is sent, and which answers refuse it."""

import gzip
import itertools
from collections.abc import Callable
from urllib.parse import quote

from playground.payloads import signature
from tests.attack.raw import comment, head, post, signed, stamp
from tests.dialogue.tester import REPO, SECRET

Attempt = tuple[Callable[[], bytes], set[int]]
"""The bytes, and the statuses that refuse them; 0 is a closed connection."""

numbers = itertools.count(1000)
"""Ids of comments, so that no two attempts are about the same one."""


def with_headers(**changes: str) -> Callable[[], bytes]:
    return lambda: post(
        comment(next(numbers)), signed(**{name.replace("_", "-"): value for name, value in changes.items()})
    )


def at(ahead: float) -> Callable[[], bytes]:
    return lambda: post(comment(next(numbers)), signed(stamp(ahead)))


def with_body(body: bytes, **more: str) -> Callable[[], bytes]:
    return lambda: post(body, signed(**more))


def changed(**changes: object) -> Callable[[], bytes]:
    return lambda: post(comment(next(numbers), **changes), signed())


def http(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def asked(path: str, body: bytes = b"", /, **headers: str) -> Callable[[], bytes]:
    return http(head(f"GET {path} HTTP/1.1", {**HOST, **headers}) + body)


def framed(*lines: str, body: bytes = b"") -> Callable[[], bytes]:
    """Return a webhook with a true signature, and these lines instead of its length."""
    return lambda: (
        head("POST /webhooks/gitee HTTP/1.1", signed())[:-2]
        + "".join(f"{line}\r\n" for line in lines).encode()
        + b"\r\n"
        + body
    )


HOST = {"Host": "127.0.0.1"}
UPGRADE = {"Connection": "Upgrade"}
GZIP = {"Content-Encoding": "gzip"}
ANONYMOUS = {"X-Gitee-Token": ""}
CHUNKED = "Transfer-Encoding: chunked"
HEADERS: dict[str, Attempt] = {
    "no token": (with_headers(X_Gitee_Token=""), {401}),
    "wrong token": (with_headers(X_Gitee_Token="wrong"), {401}),
    "token in other case": (with_headers(X_Gitee_Token=SECRET.swapcase()), {401}),
    "half of the secret": (with_headers(X_Gitee_Token=SECRET[: len(SECRET) // 2]), {401}),
    "secret and more": (with_headers(X_Gitee_Token=SECRET + "x"), {401}),
    "secret encoded twice": (
        with_headers(X_Gitee_Token=quote(quote(signature(SECRET, "1"), safe=""), safe="")),
        {401},
    ),
    "signature of another time": (with_headers(X_Gitee_Token=signature(SECRET, "1")), {401}),
    "signature by another secret": (
        lambda: post(comment(), signed(at := stamp(), **{"X-Gitee-Token": signature("x", at)})),
        {401},
    ),
    "no timestamp": (with_headers(X_Gitee_Timestamp=""), {401}),
    "timestamp in words": (with_headers(X_Gitee_Timestamp="now"), {401}),
    "negative timestamp": (with_headers(X_Gitee_Timestamp="-1"), {401}),
    "fractional timestamp": (with_headers(X_Gitee_Timestamp="1e12"), {401}),
    "timestamp of 400 digits": (with_headers(X_Gitee_Timestamp="9" * 400), {401}),
    "timestamp in other digits": (with_headers(X_Gitee_Timestamp="١٢٣"), {401}),
    "old timestamp": (at(-400), {401}),
    "future timestamp": (at(400), {401}),
    "undecodable token": (with_headers(X_Gitee_Token="\udcff\udcfe"), {401}),
    "a wrong token before a true one": (
        lambda: post(
            comment(),
            {
                "X-Gitee-Token": "wrong",
                "x-gitee-token": signed()["X-Gitee-Token"],
                **signed(**ANONYMOUS),
            },
        ),
        {401},
    ),
    "token in the query": (
        lambda: (
            head(
                f"POST /webhooks/gitee?token={quote(SECRET)} HTTP/1.1",
                signed(**{"X-Gitee-Token": "", "Content-Length": "2"}),
            )
            + b"{}"
        ),
        {401},
    ),
    "token in a cookie": (with_headers(X_Gitee_Token="", Cookie=f"X-Gitee-Token={SECRET}"), {401}),
    "token in the body only": (
        lambda: post(comment(password=SECRET), signed(**ANONYMOUS)),
        {401},
    ),
}
NOT_STORED = {200, 400}
BODIES: dict[str, Attempt] = {
    "empty": (with_body(b""), {400}),
    "not JSON": (with_body(b"not json"), {400}),
    "a list": (with_body(b"[1]"), {400}),
    "nested 200,000 deep": (with_body(b"[" * 200_000), {400}),
    "objects nested 100,000 deep": (with_body(b'{"a":' * 100_000), {400}),
    "a number of 100,000 digits": (changed(pull_request={"number": 0}, iid=None, note="x"), {400}),
    "number too large": (changed(pull_request={"number": 2**70}), {400}),
    "negative number": (changed(pull_request={"number": -1}), {400}),
    "number as text": (changed(pull_request={"number": "1; DROP TABLE"}), {400}),
    "number as list": (changed(pull_request=[1]), {400}),
    "infinite number": (with_body(comment().replace(b'"number": 1', b'"number": Infinity')), {400}),
    "digits without end": (
        with_body(comment().replace(b'"number": 1', b'"number": ' + b"9" * 100_000)),
        {400},
    ),
    "comment without id": (changed(comment={}), {400}),
    "comment id as object": (changed(comment={"id": {"$ne": 1}}), {400}),
    "half a character in the path": (
        with_body(comment().replace(REPO.encode(), b"team/\\ud800")),
        NOT_STORED,
    ),
    "path out of the repository": (
        changed(repository={"path_with_namespace": "../../etc/passwd"}),
        NOT_STORED,
    ),
    "path of 100,000 letters": (
        changed(repository={"path_with_namespace": "team/" + "a" * 100_000}),
        NOT_STORED,
    ),
    "path with a zero byte": (changed(repository={"path_with_namespace": "team/a\0b"}), NOT_STORED),
    "repository of others": (changed(repository={"path_with_namespace": "others/shop"}), {200}),
    "repository as text": (changed(repository=REPO), {400}),
    "invalid UTF-8": (with_body(b'{"a": "\xff\xfe"}'), {400}),
    "UTF-16": (with_body(comment().decode().encode("utf-16-be")[:-1]), {400}),
    "a zero byte after the end": (with_body(comment() + b"\0"), {400}),
    "two objects": (with_body(comment() * 2), {400}),
    "larger than the limit": (with_body(b" " * ((1 << 20) + 1)), {413}),
    "a form": (with_body(b"payload=%7B%7D", **{"Content-Type": "application/x-www-form-urlencoded"}), {415}),
    "XML": (with_body(b"<!DOCTYPE a>", **{"Content-Type": "text/xml"}), {415}),
    "gzip bomb": (with_body(gzip.compress(b" " * (64 << 20), 9), **GZIP), {415}),
    "gzip bomb without a token": (
        with_body(gzip.compress(b" " * (64 << 20), 9), **{**GZIP, **ANONYMOUS}),
        {401},
    ),
    "gzip garbage": (with_body(b"\x1f\x8bgarbage", **GZIP), {415}),
    "gzip garbage without a token": (
        with_body(b"garbage", **{**GZIP, **ANONYMOUS}),
        {401},
    ),
    "deflate garbage": (with_body(b"garbage", **{"Content-Encoding": "deflate"}), {415}),
    "brotli": (with_body(b"garbage", **{"Content-Encoding": "br"}), {415}),
    "encoding that is none": (with_body(comment(), **{"Content-Encoding": "identity"}), {415}),
}
GET = "GET /healthz HTTP/1.1"
REFUSED = {400, 0}
ODDITIES: dict[str, Attempt] = {
    "no request": (http(b"\r\n\r\n\r\nnonsense\r\n\r\n"), REFUSED),
    "random bytes": (http(bytes(range(256)) * 4), REFUSED),
    "TLS": (http(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64), REFUSED),
    "HTTP/2": (http(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), REFUSED),
    "SSH": (http(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), REFUSED),
    "HTTP/0.9": (http(b"GET /healthz\r\n\r\n"), {200, *REFUSED}),
    "HTTP/3.7": (http(head("GET /healthz HTTP/3.7", HOST)), REFUSED),
    "no Host": (http(b"GET / HTTP/1.1\r\n\r\n"), REFUSED),
    "two Hosts": (http(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), REFUSED),
    "a method of our own": (http(head("FROB /webhooks/gitee HTTP/1.1", HOST)), REFUSED),
    "a method in lower case": (http(head("post /webhooks/gitee HTTP/1.1", HOST)), REFUSED),
    "a method of 5,000 letters": (http(head("A" * 5000 + " / HTTP/1.1", HOST)), REFUSED),
    "PUT": (http(head("PUT /webhooks/gitee HTTP/1.1", HOST)), {405}),
    "TRACE": (http(head("TRACE /webhooks/gitee HTTP/1.1", HOST)), {405}),
    "PROPFIND": (http(head("PROPFIND / HTTP/1.1", HOST)), {405}),
    "CONNECT": (http(head("CONNECT 127.0.0.1:22 HTTP/1.1", HOST)), {400, 404, 405, 0}),
    "OPTIONS *": (http(head("OPTIONS * HTTP/1.1", HOST)), {400, 404, 405}),
    "a request line of 100 KB": (http(head("GET /" + "a" * 100_000 + " HTTP/1.1", HOST)), {400, 431, 0}),
    "a header of 100 KB": (http(head(GET, {**HOST, "X": "a" * 100_000})), {400, 431, 0}),
    "1,000 headers": (http(head(GET, {**HOST, **{f"X-{i}": "1" for i in range(1000)}})), {400, 431, 0}),
    "a space before the colon": (http(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"), REFUSED),
    "a folded header": (http(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n"), REFUSED),
    "a zero byte in a header": (http(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\0b\r\n\r\n"), REFUSED),
    "a bare CR in a header": (http(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\rY: b\r\n\r\n"), REFUSED),
    "a header without a name": (http(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n: b\r\n\r\n"), REFUSED),
    "two lengths": (framed("Content-Length: 2", "Content-Length: 3", body=b"{}"), REFUSED),
    "a negative length": (framed("Content-Length: -1"), REFUSED),
    "a length with a sign": (framed("Content-Length: +2", body=b"{}"), REFUSED),
    "a length in hexadecimal": (framed("Content-Length: 0x2", body=b"{}"), REFUSED),
    "a length beyond 64 bits": (framed("Content-Length: " + "9" * 30), REFUSED),
    "a length of an exabyte": (framed("Content-Length: 1000000000000000000"), {413}),
    "length and chunks": (framed("Content-Length: 2", CHUNKED, body=b"0\r\n\r\n"), REFUSED),
    "chunked twice": (framed("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), {400, 0}),
    "chunks in gzip": (framed("Transfer-Encoding: gzip, chunked", body=b"2\r\n{}\r\n0\r\n\r\n"), {400, 415}),
    "an encoding that is none": (framed("Transfer-Encoding: identity", body=b"{}"), REFUSED),
    "a chunk without a size": (framed(CHUNKED, body=b"\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a chunk of nonsense size": (framed(CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a chunk of a negative size": (framed(CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a chunk beyond 64 bits": (framed(CHUNKED, body=b"f" * 30 + b"\r\n"), REFUSED),
    "nonsense after a true chunk": (framed(CHUNKED, body=b"2\r\n{}\r\nzz\r\n"), REFUSED),
    "a chunk with a long extension": (
        framed(CHUNKED, body=b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n"),
        {200, 400},
    ),
    "chunks larger than the limit": (framed(CHUNKED, body=b"10000\r\n%b\r\n" % bytes(65536) * 17), {413}),
    "nonsense expected": (framed("Content-Length: 2", "Expect: magic", body=b"{}"), {417}),
    "nonsense chunks to a page": (
        asked("/", b"2\r\nab\r\nzz\r\n", **{"Transfer-Encoding": "chunked"}),
        {200, 400},
    ),
    "gzip garbage to a page": (asked("/healthz", b"garbage", **GZIP, **{"Content-Length": "7"}), {200}),
    "an upgrade to HTTP/2": (
        asked("/healthz", **{**UPGRADE, "Upgrade": "h2c"}),
        {200},
    ),
    "an upgrade to WebSocket": (
        asked("/healthz", b"\xff" * 100, **{**UPGRADE, "Upgrade": "websocket", "Sec-WebSocket-Key": "x"}),
        {200},
    ),
    "another address in the request line": (asked("http://127.0.0.1:22/"), {200, 400, 404}),
    "a path out of the folder": (asked("/static/../../../etc/passwd"), {400, 403, 404}),
    "an encoded path out of the folder": (asked("/static/..%2f..%2f..%2fetc/passwd"), {400, 403, 404}),
}
