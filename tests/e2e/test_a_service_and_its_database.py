"""A preview of two containers: tests reach the service and its database by name."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.dialogue.tester import BotTester
from tests.e2e.conftest import LONG, PATIENCE
from tests.e2e.demo_dockerfile import DOCKERFILE

pytestmark = pytest.mark.docker

CHECK = """\
import os, socket, urllib.request
assert urllib.request.urlopen(os.environ["SERVICE_URL"]).read() == b"hello\\n"
assert urllib.request.urlopen("http://api:8000").status == 200
with socket.create_connection(("db", 6379)) as db:
    assert db.recv(5) == b"pong\\n"
# The engine drops packets that leave an internal network, whatever routes a container has: nothing answers.
try:
    socket.create_connection(("192.0.2.1", 80), timeout=0.5)
except OSError:
    outside = ""
else:
    outside = '<failure message="the outside was reached"/>'
with open(os.environ["JUNIT_PATH"], "w") as report:
    cases = f'<testcase name="reaches both"/><testcase name="shut in">{outside}</testcase>'
    report.write(f"<testsuite>{cases}</testsuite>")
"""

CONFIG = f"""\
version: 1
deploy:
  health: {{path: /, timeout: {LONG}}}
services:
  api:
    image: chatops-demo-base:3.11
    port: 8000
    health: {{path: /}}
    depends_on: [db]
    command:
      - python3
      - -c
      - |
        import http.server, socket
        assert socket.create_connection(("db", 6379)).recv(5) == b"pong\\n"
        http.server.test(http.server.SimpleHTTPRequestHandler, port=8000)
  db:
    volumes: [/var/lib/data]
    image: chatops-demo-base:3.11
    port: 6379
    command:
      - python3
      - -c
      - |
        import socket
        listener = socket.create_server(("", 6379))
        while True:
            listener.accept()[0].sendall(b"pong\\n")
            print("ponged", flush=True)
"""


async def test_tests_reach_the_service_and_the_database_and_nothing_else(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
) -> None:
    bot = await start({"Dockerfile": DOCKERFILE, "check.py": CHECK, ".chatops.yml": CONFIG})
    await bot.open()
    said = await bot.read()
    assert "2 passed" in said, said
    assert "http://pr-1-shop.test.example.com" in said
    async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
        answer = await visitor.get(
            bot.bot.listeners.previews.url, headers={"Host": "pr-1-shop.test.example.com"}
        )
        assert answer.text == "hello\n"
        report = await visitor.get(f"{bot.bot.listeners.web.url}/reports/1/")
        assert "reaches both" in report.text
        page = await visitor.get(f"{bot.bot.listeners.web.url}/runs/1/services")
        assert "<span>ponged</span>" in page.text
    assert "\nponged\n" in await bot.says("/logs db")

    await bot.says("/teardown")
    assert "\nponged\n" in await bot.says("/logs db")
