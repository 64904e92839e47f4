"""Raw requests to a running bot, byte for byte."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from playground.payloads import signature
from tests.dialogue.tester import REPO, SECRET

PATIENCE = 30.0
"""Seconds to wait for an answer."""


def stamp(ahead: float = 0.0) -> str:
    """Return a timestamp as Gitee sends it, so many seconds from now."""
    return str(round((time.time() + ahead) * 1000))


def comment(number: int = 1, **changes: object) -> bytes:
    """Return the body of a comment's webhook."""
    body = {
        "hook_name": "note_hooks",
        "action": "comment",
        "noteable_type": "PullRequest",
        "comment": {"id": number, "body": "/help", "user": {"login": "lin"}},
        "repository": {"path_with_namespace": REPO},
        "pull_request": {"number": 1, "head": {"sha": "ab" * 20}},
    }
    return json.dumps({**body, **changes}).encode()


def signed(at: str | None = None, **more: str) -> dict[str, str]:
    """Return the headers of a true webhook, with changes; an empty value removes a header."""
    at = at or stamp()
    known = {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "X-Gitee-Event": "Note Hook",
        "X-Gitee-Timestamp": at,
        "X-Gitee-Token": signature(SECRET, at),
    }
    return {name: value for name, value in {**known, **more}.items() if value}


def post(body: bytes, headers: dict[str, str], *, length: int | None = None) -> bytes:
    """Return a webhook's request."""
    sized = {**headers, "Content-Length": str(len(body) if length is None else length)}
    return head("POST /webhooks/gitee HTTP/1.1", sized) + body


def head(line: str, headers: dict[str, str]) -> bytes:
    """Return a request line with headers."""
    lines = [line, *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


@contextmanager
def connected(port: int, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Open a connection from this address."""
    with closing(
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(address, 0))
    ) as connection:
        yield connection


def answer(connection: socket.socket) -> int:
    """Return the status of the answer; 0 if the connection was closed without one."""
    try:
        with connection.makefile("rb") as reading:
            line = reading.readline()
    except ConnectionError:
        return 0
    return int(line.split()[1]) if line.startswith(b"HTTP/") else 0


def page(port: int, path: str, host: str) -> str:
    """Return everything that a request to this name is answered with."""
    with connected(port) as connection:
        connection.sendall(head(f"GET {path} HTTP/1.1", {"Host": host, "Connection": "close"}))
        with connection.makefile("rb") as reading:
            return reading.read().decode(errors="replace")


def send(port: int, data: bytes) -> int:
    """Send bytes on a connection of their own, and return the status of the first answer."""
    with connected(port) as connection:
        # It may be refused while it is still being sent.
        with suppress(ConnectionError):
            connection.sendall(data)
        return answer(connection)
