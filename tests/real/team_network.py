"""A network of the team outside of all environments: two servers in a network namespace."""

import random
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Network

import pytest

RANGE = IPv4Network("198.18.0.0/15")
"""Addresses that RFC 2544 sets aside for tests; each process takes a few at random."""
SERVER = """\
import socketserver, sys, threading
database, resolver = sys.argv[1:]
class Greet(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"hello\\n")
class Name(socketserver.BaseRequestHandler):
    def handle(self):
        asked, socket = self.request
        end = asked.index(b"\\0", 12) + 5
        address = bytes(map(int, database.split(".")))
        answer = b"\\xc0\\x0c\\0\\x01\\0\\x01\\0\\0\\0\\x3c\\0\\x04" + address
        known = asked[12:end].startswith(b"\\x02db\\x04team") and asked[end - 4 : end - 2] == b"\\0\\x01"
        head = asked[:2] + b"\\x81\\x80\\0\\x01\\0" + (b"\\x01" if known else b"\\0") + b"\\0" * 4
        socket.sendto(head + asked[12:end] + (answer if known else b""), self.client_address)
names = socketserver.ThreadingUDPServer((resolver, 53), Name)
for server in (socketserver.ThreadingTCPServer(("", 7000), Greet), names):
    threading.Thread(target=server.serve_forever).start()
print("ready", flush=True)
"""
"""Greets on port 7000 of both addresses, and knows one name, `db.team`, which is the first address."""


@dataclass(frozen=True)
class TeamNetwork:
    """Addresses of the network: two servers, and this machine."""

    database: str
    resolver: str
    machine: str


def ip(*arguments: str) -> None:
    program = shutil.which("ip") or "/usr/sbin/ip"
    subprocess.run([program, *arguments], check=True, capture_output=True)  # noqa: S603 - constants


@pytest.fixture(scope="session")
def team_network() -> Iterator[TeamNetwork]:
    """Run the servers behind a network interface of their own."""
    name = f"t{uuid.uuid4().hex[:6]}"
    subnet = IPv4Network((int(RANGE[0]) + 8 * random.randrange(RANGE.num_addresses // 8), 29))  # noqa: S311 - not a secret
    machine, database, resolver = map(str, list(subnet.hosts())[:3])
    with ExitStack() as stack:
        ip("netns", "add", name)
        stack.callback(ip, "netns", "delete", name)
        ip("link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b", "netns", name)
        ip("addr", "add", f"{machine}/29", "dev", f"{name}a")
        ip("link", "set", f"{name}a", "up")
        for address in (database, resolver):
            ip("-n", name, "addr", "add", f"{address}/29", "dev", f"{name}b")
        ip("-n", name, "link", "set", f"{name}b", "up")
        inside = ["ip", "netns", "exec", name, sys.executable, "-c", SERVER, database, resolver]
        running = stack.enter_context(subprocess.Popen(inside, stdout=subprocess.PIPE))  # noqa: S603 - constants
        stack.callback(running.kill)
        assert running.stdout
        assert running.stdout.readline() == b"ready\n"
        yield TeamNetwork(database, resolver, machine)
