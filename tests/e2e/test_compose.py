"""A repository with only a Compose file on the real engine: a page, a worker and what they share."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.dialogue.tester import BotTester
from tests.e2e.conftest import PATIENCE

pytestmark = pytest.mark.docker

WEB = """\
FROM chatops-demo-base:3.11
COPY web.py /srv/web.py
WORKDIR /srv
CMD ["python3", "web.py"]
"""
PAGE = """\
import http.server, os, socket, urllib.request


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with socket.create_connection(("my_store", 6379)) as store:
            stored = store.recv(100).decode()
        word = urllib.request.urlopen("http://words").read().decode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{os.environ['GREETING']} {stored} {word}".encode())


http.server.HTTPServer(("", 8000), Page).serve_forever()
"""
WORKER = """\
import socket, time
# The page starts last, so the worker waits for nothing but the store.
with socket.create_connection(("my_store", 6379)) as store:
    assert store.recv(100) == b"stored"
print("worked", flush=True)
time.sleep(3600)
"""
STORE = """\
import socket
listener = socket.create_server(("", 6379))
open("/var/lib/store/ready", "w").close()
while True:
    connection, _ = listener.accept()
    connection.sendall(b"stored")
    connection.close()
"""
COMPOSE = """\
version: "3.8"
x-common: &common
  restart: unless-stopped
  logging: {driver: json-file}
services:
  web:
    <<: *common
    build: web
    ports: ["127.0.0.1:${WEB_PORT:-8000}:8000"]
    env_file: web/.env
    depends_on:
      my_store: {condition: service_healthy}
      words: {condition: service_started}
  worker:
    <<: *common
    build: web
    entrypoint: python3
    command: /code/worker.py
    working_dir: /code
    volumes: ["./web:/code"]
    depends_on: [my_store, web]
  my_store:
    <<: *common
    image: chatops-demo-base:3.11
    command: ["python3", "/opt/store.py"]
    volumes: ["./store.py:/opt/store.py:ro", "data:/var/lib/store", "./not-there:/nothing"]
    healthcheck: {test: ["CMD", "test", "-e", "/var/lib/store/ready"], interval: 30s}
  words:
    image: chatops-demo-base:3.11
    working_dir: /www
    command: sh -c 'echo -n word > index.html && exec python3 -m http.server 80'
    expose: ["80"]
  debug:
    image: chatops-demo-base:3.11
    profiles: [debug]
    privileged: true
volumes:
  data:
"""


async def test_a_repository_with_only_a_compose_file_has_a_preview(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
) -> None:
    bot = await start(
        {
            "docker-compose.yml": COMPOSE,
            "web/Dockerfile": WEB,
            "web/web.py": PAGE,
            "web/worker.py": WORKER,
            "web/.env.example": "GREETING='hello,'\n",
            "store.py": STORE,
        }
    )
    await bot.open()
    said = await bot.read()
    assert "Preview ready" in said, said
    async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
        host = {"Host": "pr-1-shop.test.example.com"}
        answer = await visitor.get(bot.bot.listeners.previews.url, headers=host)
        assert answer.text == "hello, stored word"
        log = await visitor.get(f"{bot.bot.listeners.web.url}/api/v1/runs/1")
        assert [one["name"] for one in log.json()["steps"][0]["images"]] == ["web", "worker"]
