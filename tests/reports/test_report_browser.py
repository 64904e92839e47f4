"""The test report in a real Chromium."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.model.report import Case, CaseState, Report
from bot.model.text import Language
from bot.reports.page import ReportPage
from bot.reports.results import SuiteResults
from tests.real.browser import chromium

pytestmark = pytest.mark.browser
CASES = (
    Case("pkg.mod", "test_breaks" + "x" * 200, CaseState.FAILED, 0.1, "boom " * 50, "trace " * 100),
    Case("pkg.mod", "test_works", CaseState.PASSED, 0.1),
    Case("pkg.mod", "test_waits", CaseState.SKIPPED, 0.0, "later"),
)


@pytest.fixture
async def report(tmp_path: Path) -> AsyncIterator[Page]:
    """Open a report on a phone without JavaScript."""
    file = tmp_path / "report.html"
    file.write_text(ReportPage(Language.EN).render(42, [SuiteResults("default", Report(CASES))]), "utf-8")
    async with chromium(viewport={"width": 360, "height": 740}, java_script_enabled=False) as phone:
        page = await phone.new_page()
        await page.goto(file.as_uri())
        yield page


async def test_states_can_be_filtered_without_javascript(report: Page) -> None:
    rows = report.locator("tr.case:visible")
    await expect(rows).to_have_count(3)

    await report.click("label[for=f-passed]")
    await expect(rows).to_have_text(["✓test_works0.1 s"])
    await expect(report.locator(".failure:visible")).to_have_count(0)

    await report.click("label[for=f-failed]")
    await expect(report.locator(".failure:visible")).to_have_count(1)


async def test_the_language_can_be_changed(report: Page) -> None:
    verdict = report.locator(".verdict")
    await expect(verdict).to_contain_text("1 test failed", use_inner_text=True)

    await report.click("label[for=l-zh]")
    await expect(verdict).to_contain_text("1 个测试失败", use_inner_text=True)
    await expect(verdict).not_to_contain_text("1 test failed", use_inner_text=True)


async def test_nothing_overflows_on_a_phone(report: Page) -> None:
    # Scripts are disabled on the page, so its width is computed from the positions of elements.
    box = await report.locator("html").bounding_box()
    assert box
    for place in await report.locator("header, .failure, .group, td:visible").all():
        edges = await place.bounding_box()
        assert edges is None or edges["x"] + edges["width"] <= box["width"]
