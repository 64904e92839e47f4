"""A real Chromium for each test, with timeouts for a busy machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import BrowserContext, async_playwright, expect

from tests.real.parts import PATIENCE

MILLISECONDS = PATIENCE * 1000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@asynccontextmanager
async def chromium(**options: Any) -> AsyncIterator[BrowserContext]:
    """Open a window with these options of the browser context."""
    expect.set_options(timeout=MILLISECONDS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=ARGUMENTS, timeout=MILLISECONDS
        )
        window = await browser.new_context(**options)
        window.set_default_timeout(MILLISECONDS)
        try:
            yield window
        finally:
            await browser.close()
