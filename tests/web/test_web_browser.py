"""The pages in a real Chromium: logs update automatically, and the CSP blocks nothing of the bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.model.approval import Approval
from bot.model.run import RunState, StepState
from bot.reports import paths
from tests.fakes.adapters import PATIENCE
from tests.web.conftest import Bench
from tests.web.fakes import NOW, SHA, environment, finished_run, run, step

pytestmark = pytest.mark.browser

MILLISECONDS = 1000 * PATIENCE
expect.set_options(timeout=MILLISECONDS)

INTO_VIEW = "box => box.scrollIntoView({block: 'end'})"
LOST = "Failed to load resource"


@asynccontextmanager
async def launched(*arguments: str) -> AsyncIterator[Browser]:
    """Run a Chromium."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-dev-shm-usage", *arguments],
            timeout=MILLISECONDS,
        )
        yield running
        await running.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as running:
        yield running


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(locale="en-GB", timezone_id="Asia/Shanghai")
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield opened
    await context.close()
    assert [words for words in complaints if LOST not in words] == []


def address(server: TestServer, path: str) -> str:
    return str(server.make_url(path))


async def test_a_log_updates_automatically_until_its_end(
    server: TestServer, bench: Bench, page: Page
) -> None:
    bench.runs.put(run(42))
    bench.files.append(42, "build", "first\nhalf a ")
    await page.goto(address(server, "/runs/42"))
    lines = page.locator("#build .line span")
    await expect(lines).to_have_text(["first", "half a "])

    bench.files.append(42, "build", "line 行\n<img src=x onerror=alert(1)>\n" + "more\n" * 200)

    await expect(lines).to_have_count(203)
    await page.locator("#build .log").evaluate(INTO_VIEW)
    await expect(lines.nth(1)).to_have_text("half a line 行")
    await expect(lines.nth(2)).to_have_text("<img src=x onerror=alert(1)>")
    await expect(page.locator("#build .line").last).to_be_in_viewport()

    done = tuple(step(name, StepState.PASSED) for name in ("build", "deploy", "test"))
    bench.files.append(42, "test", "1 passed\n")
    bench.runs.put(run(42, RunState.PASSED, steps=done))

    await expect(page.locator("#head .state")).to_have_text("Passed")
    await expect(page.locator("#test .line span")).to_have_text(["1 passed"])
    await expect(page.locator("#test .step-head")).to_contain_text("Passed")


async def test_a_scrolled_log_stays_where_it_is(server: TestServer, bench: Bench, page: Page) -> None:
    bench.runs.put(run(42))
    bench.files.append(42, "build", "".join(f"line {number}\n" for number in range(300)))
    await page.goto(address(server, "/runs/42"))
    box = page.locator("#build .log")
    await box.evaluate(INTO_VIEW)
    await expect(page.locator("#build .line").last).to_be_in_viewport()

    await box.evaluate("box => { box.scrollTop = 0; }")
    await expect(page.locator("#build .follow input")).not_to_be_checked()
    bench.files.append(42, "build", "newest\n")

    await expect(page.locator("#build .line span").last).to_have_text("newest")
    assert await box.evaluate("box => box.scrollTop") == 0
    await page.locator("#build .follow input").check()
    await expect(page.locator("#build .line").last).to_be_in_viewport()


async def test_a_link_to_a_line_opens_it(server: TestServer, bench: Bench, page: Page) -> None:
    bench.runs.put(finished_run(41))
    bench.files.append(41, "build", "".join(f"line {number}\n" for number in range(1, 301)))

    await page.goto(address(server, "/runs/41#build-L150"))

    await expect(page.locator("#build-L150")).to_be_in_viewport()
    assert await page.locator("#build").get_attribute("open") is not None


async def test_a_lost_connection_is_shown_and_restored(server: TestServer, bench: Bench, page: Page) -> None:
    bench.runs.put(run(42))
    await page.goto(address(server, "/runs/42"))
    await page.route("**/live", lambda route: route.fulfill(status=502))

    await expect(page.locator(".lost")).to_have_text("Connection lost, trying again…")
    await page.unroute("**/live")
    bench.runs.put(run(42, RunState.FAILED))

    await expect(page.locator("#head .state")).to_have_text("Failed")
    await expect(page.locator(".lost")).to_have_count(0)


async def test_times_are_in_the_visitors_time_zone(server: TestServer, bench: Bench, page: Page) -> None:
    bench.runs.put(finished_run(41))

    await page.goto(address(server, "/runs/41"))

    # Created at 05:03 UTC; Shanghai is eight hours ahead.
    assert "13:03:07" in (await page.locator("#head time").get_attribute("title") or "")


async def test_times_read_well_in_chinese(server: TestServer, bench: Bench, browser: Browser) -> None:
    bench.runs.put(finished_run(41))
    context = await browser.new_context(locale="zh-CN")
    page = await context.new_page()
    await page.clock.set_fixed_time(finished_run(41).created_at + timedelta(seconds=30))
    await page.goto(address(server, "/runs/41"))

    await expect(page.locator("#head time")).to_have_text("30 秒前")
    await context.close()


async def test_a_page_is_complete_without_a_script(
    server: TestServer, bench: Bench, browser: Browser
) -> None:
    bench.runs.put(run(42))
    bench.files.append(42, "build", "so far\n")
    context = await browser.new_context(java_script_enabled=False, locale="zh-CN")
    page = await context.new_page()

    await page.goto(address(server, "/runs/42"))

    await expect(page.locator("#build .line span")).to_have_text(["so far"])
    await expect(page.locator("#head .state")).to_have_text("进行中")
    await context.close()


async def test_a_phone_scrolls_only_vertically(server: TestServer, bench: Bench, browser: Browser) -> None:
    bench.runs.put(finished_run(41))
    bench.files.append(41, "test", "w" * 500 + "\n")
    context = await browser.new_context(viewport={"width": 360, "height": 640})
    page = await context.new_page()

    for path in ("/", "/runs/41", "/prs/oak/shop/7", "/commands"):
        await page.goto(address(server, path))
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    await context.close()


@pytest.mark.parametrize(
    ("locale", "width"), [("en-GB", 1280), ("zh-CN", 1280), ("en-GB", 390), ("zh-CN", 390)]
)
async def test_an_approval_takes_one_line_below_its_commit(
    server: TestServer, bench: Bench, browser: Browser, locale: str, width: int
) -> None:
    url = "https://gitee.test/oak/shop/pulls/7#note_9"
    bench.approvals.given = (Approval(SHA, "release/2026-11", "lin", NOW, 9, url, "digest"),)
    context = await browser.new_context(locale=locale, viewport={"width": width, "height": 800})
    page = await context.new_page()

    await page.goto(address(server, "/prs/oak/shop/7"))

    lines = await page.locator(".what .aside").evaluate(
        "e => e.offsetHeight / parseFloat(getComputedStyle(e).lineHeight)"
    )
    assert round(lines) == 1
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await context.close()


async def test_a_suites_own_report_runs_scripts_without_access_to_anything(
    server: TestServer, bench: Bench, browser: Browser
) -> None:
    name = "suites/unit/html/001-index.html"
    bench.files.own[41, name] = b"""<!doctype html><p id=ran></p><p id=seen></p><p id=sent></p><script>
        ran.textContent = "ran";
        try { seen.textContent = document.cookie + localStorage.length; }
        catch { seen.textContent = "nothing"; }
        fetch("/api/v1/runs").then(() => sent.textContent = "answered", () => sent.textContent = "refused");
    </script>"""
    context = await browser.new_context()
    await context.add_cookies([{"name": "lang", "value": "zh", "url": address(server, "/")}])
    opened = await context.new_page()

    bench.files.reports[41] = f'<a href="{name}">index</a>'.encode()
    await opened.goto(address(server, "/reports/41/"))
    await opened.get_by_text("index").click()

    framed = opened.frame_locator("iframe")
    await expect(framed.locator("#ran")).to_have_text("ran")
    await expect(framed.locator("#seen")).to_have_text("nothing")
    await expect(framed.locator("#sent")).to_have_text("refused")
    assert await framed.locator("#ran").evaluate("() => window.origin") == "null"
    await context.close()


async def test_links_between_the_reports_of_a_suite_work_in_the_frame(
    server: TestServer, bench: Bench, browser: Browser
) -> None:
    pages = {
        "htmlcov/index": "<h1>index</h1><a href='sub/detail.html#line'>detail</a>",
        "htmlcov/sub/detail": "<h1>detail</h1><a id=line href='../index.html'>up</a>",
    }
    for own, html in pages.items():
        bench.files.own[41, f"suites/unit/html/001-{paths.slug(own)}.html"] = html.encode()
    page = await browser.new_page()
    await page.goto(address(server, "/reports/41/suites/unit/html/htmlcov/index.html"))
    framed = page.frame_locator("iframe")

    await framed.get_by_text("detail").click()
    await expect(framed.locator("h1")).to_have_text("detail")
    await framed.get_by_text("up").click()
    await expect(framed.locator("h1")).to_have_text("index")
    await expect(page.get_by_role("note")).to_be_visible()


async def test_the_output_of_services_updates_automatically(
    server: TestServer, bench: Bench, page: Page
) -> None:
    bench.runs.put(run(42))
    bench.environments.put(replace(environment(), run=42))
    lines = [f"line {number}" for number in range(200)]
    bench.services.texts[42, "db"] = "\n".join(lines)
    await page.goto(address(server, "/runs/42/services"))
    box = page.locator("#db-output")
    await expect(box.locator(".line")).to_have_count(200)
    at_end = "box => box.scrollHeight - box.scrollTop - box.clientHeight < 2"
    assert await box.evaluate(at_end)

    bench.services.texts[42, "db"] = "\n".join([*lines, "one more <b>"])

    await expect(box.locator(".line").last).to_have_text("one more <b>")
    assert await box.evaluate(at_end)
    bench.environments.by_label.clear()
    await expect(page.locator("#head")).to_have_text(
        "This deployment is gone; this is what its services wrote last."
    )
