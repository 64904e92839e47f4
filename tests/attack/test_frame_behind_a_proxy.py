"""The report of a suite behind a reverse proxy that changes Host, over plain HTTP, in a real Chromium."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect

from tests.attack.serving import serving, with_report
from tests.crash.fleet import Replica
from tests.web.test_web_browser import launched

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

OWN = "suites/unit/html/001-index.html"
FRAME = f"/reports/1/{OWN}"
CONTENT = f"/reports/1/content/{OWN}"
RESOLVED = "--host-resolver-rules=MAP *.example.com 127.0.0.1"
ELSEWHERE = "elsewhere.example.com"


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """Provide a bot with a report."""
    folder = tmp_path_factory.mktemp("frame")
    assert with_report(folder, OWN, "<!doctype html>the suite's own report") == 1
    yield from serving(folder, public_url="http://bot.example.com", hosts=["*.tools.example.com"])


PASSED_BACK = {"Content-Type", "Content-Security-Policy", "Referrer-Policy", "Location"}


@dataclass
class Front:
    """A reverse proxy that asks the bot at its own address, and the page of an attacker."""

    bot: str
    port: int = 0

    def at(self, name: str, path: str) -> str:
        """Return an address that leads here."""
        return f"http://{name}:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.Response:
        if request.host.startswith(ELSEWHERE):
            link = f"<a href='{self.at('bot.example.com', CONTENT)}' referrerpolicy=unsafe-url>go</a>"
            return web.Response(text=link, content_type="text/html")
        passed = {name: value for name, value in request.headers.items() if name != "Host"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.bot + request.path_qs, headers=passed, allow_redirects=False) as found,
        ):
            headers = {name: value for name, value in found.headers.items() if name in PASSED_BACK}
            return web.Response(body=await found.read(), status=found.status, headers=headers)


@dataclass
class Stage:
    """What all tests of this module share."""

    front: Front
    browser: Browser


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(bot: Replica) -> AsyncIterator[Stage]:
    front, app = Front(bot.url), web.Application()
    app.router.add_get("/{path:.*}", front.answer)
    server = TestServer(app)
    async with server, launched(RESOLVED) as browser:
        front.port = server.port or 0
        yield Stage(front, browser)


@pytest.mark.parametrize("name", ["bot.example.com", "ci.tools.example.com"])
async def test_the_frame_shows_the_report_at(stage: Stage, name: str) -> None:
    shown = await stage.browser.new_page()
    await shown.goto(stage.front.at(name, FRAME))
    await expect(shown.frame_locator("iframe").get_by_text("the suite's own report")).to_be_visible()
    await shown.close()


async def test_a_link_of_another_site_leads_to_the_frame(stage: Stage) -> None:
    shown = await stage.browser.new_page()
    await shown.goto(stage.front.at(ELSEWHERE, "/reports/1/"))
    await shown.get_by_text("go").click()
    await expect(shown.get_by_role("note")).to_contain_text("Written by the pull request's code")
    assert shown.url == stage.front.at("bot.example.com", FRAME)
    await shown.close()
