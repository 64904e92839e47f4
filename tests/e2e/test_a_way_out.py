"""A preview that reads from a server of the team: only where the operator has opened a way out."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest

from bot.settings.egress import EgressSettings
from bot.settings.model import Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import LONG, PATIENCE
from tests.real.team_network import TeamNetwork, team_network

__all__ = ["team_network"]

pytestmark = [pytest.mark.docker, pytest.mark.attack]

APP = """\
import http.server, os, socket
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            said = socket.create_connection((os.environ["DATABASE"], 7000), timeout=3).recv(10)
        except OSError:
            said = b"out of reach\\n"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(said)
http.server.HTTPServer(("", 8080), Page).serve_forever()
"""
CONFIG = f"""\
version: 1
on: {{open: [build, deploy]}}
deploy:
  env: {{DATABASE: ADDRESS}}
  health: {{timeout: {LONG}}}
  environments: {{staging: {{}}}}
"""
DOCKERFILE = """\
FROM chatops-demo-base:3.11
COPY server.py .
EXPOSE 8080
CMD ["python3", "server.py"]
"""


@pytest.fixture
def settings(settings: Settings, team_network: TeamNetwork) -> Settings:
    """Return settings with a way out for one environment."""
    egress = EgressSettings(
        repos=("team/*",), cidrs=(f"{team_network.database}/32",), environments=("staging",)
    )
    return replace(settings, egress={"team": egress})


async def visited(bot: BotTester, host: str) -> str:
    async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
        answer = await visitor.get(
            bot.bot.listeners.previews.url, headers={"Host": f"{host}.test.example.com"}
        )
        return answer.text


async def test_one_environment_has_a_way_out_and_the_other_has_none(
    team_network: TeamNetwork, start: Callable[[dict[str, str]], Awaitable[BotTester]]
) -> None:
    config = CONFIG.replace("ADDRESS", team_network.database)
    bot = await start({"Dockerfile": DOCKERFILE, "server.py": APP, ".chatops.yml": config})
    await bot.open()
    said = await bot.read()
    assert "Preview ready" in said, said
    assert "Staging ready" in await bot.says("/deploy staging")

    assert await visited(bot, "pr-1-shop-staging") == "hello\n"
    assert await visited(bot, "pr-1-shop") == "out of reach\n"
    assert f"may reach {team_network.database}/32 (team)" in await bot.says("/logs deploy")
