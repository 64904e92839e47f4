"""Takes the pictures of the documents: plays the demo and photographs its pages in a real Chromium."""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import BrowserContext, Locator, Page, expect

from playground.demo_repository import open_first_pull, ready_made_changes
from playground.launch import Playground, Ports, playground
from tests.real.browser import chromium
from tests.real.ports import free_port

WIDTH = 1180
"""In CSS pixels."""


async def take(folder: Path, registry: str) -> None:
    """Write comment.png, playground.png, run.png and report.png to a folder."""
    window = {"locale": "zh-CN", "reduced_motion": "reduce", "viewport": {"width": WIDTH, "height": 900}}
    with tempfile.TemporaryDirectory(prefix="chatops-pictures-") as data:
        ports = Ports(*(free_port() for _ in range(4)))
        async with playground(Path(data), ports, registry) as running, chromium(**window) as browser:
            await _photograph(running, browser, folder)


async def _photograph(running: Playground, browser: BrowserContext, folder: Path) -> None:
    number = await open_first_pull(running.gitee, running.demo)
    page = await browser.new_page()
    await page.goto(f"{running.gitee.url}/{running.demo.full_name}/pulls/{number}")
    await expect(_comment(page, "测试未通过").last).to_contain_text("test_hours")
    await _linked(browser, f"{running.bot_url}/runs/1", folder / "run.png", "test_hours")
    await _linked(browser, f"{running.bot_url}/reports/1/", folder / "report.png", "test_hours")
    repository, mei, lin = running.demo.full_name, running.demo.developer, running.demo.maintainer
    await running.gitee.push(repository, number, ready_made_changes()["fix"], by=mei)
    ready = _comment(page, "预览环境已就绪").last
    await expect(ready).to_be_visible()
    await running.gitee.comment(repository, number, "/help", by=lin)
    await expect(_comment(page, "命令").last).to_be_visible()
    await ready.screenshot(path=folder / "comment.png")
    await page.screenshot(path=folder / "playground.png", full_page=True)


async def _linked(browser: BrowserContext, url: str, file: Path, text: str) -> None:
    page = await browser.new_page()
    await page.goto(url)
    await expect(page.get_by_text(text).first).to_be_visible()
    await page.screenshot(path=file, full_page=True)
    await page.close()


def _comment(page: Page, text: str) -> Locator:
    return page.locator("#conversation article.comment", has_text=text)


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), sys.argv[2]))
