"""A password of the operator reaches a database and its tests, and nothing that people can read."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.model.secrets import SecretStep
from bot.settings.model import SecretSettings, Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import LONG, PATIENCE
from tests.e2e.demo_dockerfile import DOCKERFILE

pytestmark = pytest.mark.docker

PASSWORD = "correct-horse-9f86d081"

CHECK = """\
import os, socket
password = os.environ["DATABASE_PASSWORD"]
print("the password is", password, flush=True)
with socket.create_connection(("db", 6379)) as db:
    db.sendall(password.encode() + b"\\n")
    answer = db.recv(10)
with open(os.environ["JUNIT_PATH"], "w") as report:
    failure = "" if answer == b"welcome" else "<failure/>"
    case = f'<testcase name="login with {password}">{failure}<system-out>{password}</system-out></testcase>'
    report.write(f"<testsuite>{case}</testsuite>")
"""

CONFIG = f"""\
version: 1
deploy:
  health: {{path: /, timeout: {LONG}}}
services:
  db:
    image: chatops-demo-base:3.11
    port: 6379
    secrets: [db-password]
    command:
      - python3
      - -c
      - |
        import pathlib, socket
        password = pathlib.Path("/run/secrets/db-password").read_bytes().strip()
        listener = socket.create_server(("", 6379))
        while True:
            connection = listener.accept()[0]
            given = connection.makefile("rb").readline().strip()
            connection.sendall(b"welcome" if given == password else b"refused")
test:
  secret_env:
    DATABASE_PASSWORD: db-password
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    file = tmp_path / "db-password"
    file.touch(0o600)
    file.write_text(f"{PASSWORD}\n")
    steps = (SecretStep.SERVICES, SecretStep.TEST)
    return replace(settings, secrets={"db-password": SecretSettings(("team/*",), steps, file)})


def holding(text: bytes, folder: Path) -> list[Path]:
    """Return the files of a folder that contain a text."""
    return [file for file in folder.rglob("*") if file.is_file() and text in file.read_bytes()]


@pytest.mark.attack
async def test_the_database_and_the_tests_have_the_password_and_nobody_reads_it(
    start: Callable[[dict[str, str]], Awaitable[BotTester]], tmp_path: Path
) -> None:
    bot = await start({"Dockerfile": DOCKERFILE, "check.py": CHECK, ".chatops.yml": CONFIG})
    await bot.open()
    said = await bot.read()
    assert "1 passed" in said, said
    async with httpx.AsyncClient(base_url=bot.bot.listeners.web.url, timeout=PATIENCE) as visitor:
        log = (await visitor.get("/api/v1/runs/1/logs/test")).text
        assert "the password is ***" in log
        shown = [
            (await visitor.get(page)).text
            for page in ("/runs/1", "/reports/1/", "/api/v1/runs/1", "/api/v1/runs/1/logs/deploy")
        ]
    assert "login with ***" in shown[1]
    for text in (said, log, *shown):
        assert PASSWORD not in text
    assert holding(PASSWORD.encode(), tmp_path / "bot") == []
