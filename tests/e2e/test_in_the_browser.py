"""A person at the playground in a real Chromium opens a PR, reads the comment and visits the preview."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from playground.launch import Playground, Ports, playground
from tests.real.browser import chromium
from tests.real.parts import RegistryProcess
from tests.real.ports import free_port

pytestmark = [pytest.mark.docker, pytest.mark.browser]


@pytest.fixture
async def running(tmp_path: Path, registry: RegistryProcess) -> AsyncIterator[Playground]:
    ports = Ports(*(free_port() for _ in range(4)))
    async with playground(tmp_path, ports, f"http://{registry.host}") as started:
        yield started


@pytest.fixture
async def window() -> AsyncIterator[BrowserContext]:
    """Open a browser window; at the end, fail if a script had an error on any page."""
    errors: list[str] = []
    async with chromium(locale="zh-CN") as opened:
        opened.on("weberror", lambda error: errors.append(str(error.error)))
        yield opened
    assert errors == []


async def test_a_pull_request_is_opened_read_visited_and_closed(
    running: Playground, window: BrowserContext
) -> None:
    page = await window.new_page()
    await _open_pull(page, running)
    comment = page.locator("#conversation article.comment", has_text="测试未通过").first
    await expect(comment).to_contain_text("tests.test_ago::test_hours")
    await _visit_preview(window, comment.locator("a[href*='preview.localhost']").first)
    await _read_report(window, comment.locator("a", has_text="测试报告").first)
    await _say(page, "lin", "/状态")
    await expect(page.locator("article.comment", has_text="受信任").last).to_be_visible()
    await _say(page, "lin", "/销毁")
    gone = page.locator("article.comment", has_text="环境已清理").last
    await expect(gone).to_be_visible()


async def _open_pull(page: Page, running: Playground) -> None:
    await page.goto(f"{running.gitee.url}/{running.demo.full_name}/pulls/new")
    await page.locator("select[name=change]").select_option("feature")
    await page.locator("input[name=title]").fill("显示留言的时间")
    await page.locator("main button[type=submit], main form button").last.click()
    await expect(page.locator("h1")).to_contain_text("显示留言的时间")


async def _say(page: Page, person: str, words: str) -> None:
    await page.get_by_label("身份").first.select_option(person)
    await page.get_by_label("写评论").fill(words)
    await page.get_by_label("写评论").press("Control+Enter")
    await expect(page.get_by_label("写评论")).to_have_value("")


async def _visit_preview(window: BrowserContext, link: Locator) -> None:
    address = await link.get_attribute("href")
    preview = await window.new_page()
    answer = await preview.goto(str(address))
    assert answer is not None
    assert answer.ok
    await expect(preview.locator("h1")).to_contain_text("留言簿")


async def _read_report(window: BrowserContext, link: Locator) -> None:
    report = await window.new_page()
    await report.goto(str(await link.get_attribute("href")))
    await expect(report.get_by_text("test_hours").first).to_be_visible()
